// Package relay is the client of WHEP (draft-ietf-wish-whep) and WHIP (RFC 9725):
// it plays streams from other servers, as a kind of source, and publishes streams
// of this one on others. It speaks HTTP to hosts that are allowed by name and by
// the address that the name resolves to, and to nobody else; media go by
// session.Manager.
//
// An offer has the candidates of this machine's own addresses, which is enough
// nearly always. Where a session does not connect by them, the next one asks the
// STUN and TURN servers that the answer has named by Link fields, if the list of
// hosts has them with their ports, and trickles what they say: by PATCH with the
// entity-tag (RFC 9725 4.3.2, RFC 8840). A server that takes none after the offer
// gets an offer with all of them. Servers that want TLS or TCP are not asked:
// they are spoken to by the address that was checked, for which no certificate is.
package relay
