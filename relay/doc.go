// Package relay is the client of WHEP (draft-ietf-wish-whep) and WHIP (RFC 9725):
// it plays streams from other servers, as a kind of source, and publishes streams
// of this one on others. It speaks HTTP to hosts that are allowed by name and by
// the address that the name resolves to, and to nobody else; media go by
// session.Manager.
package relay
