package auth

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
)

// keys are the tokens that count, ready to be compared with. They never change:
// a reader needs no lock.
type keys struct {
	tokens  []Token  // sorted by name
	digests []digest // of the tokens' secrets
	open    bool     // nobody needs a right to play a public stream
}

// newKeys joins both kinds of tokens. A fixed token wins over a stored one with
// its name, and over one with its secret: that would be two names for one.
func newKeys(fixed, stored []Token) *keys {
	k := &keys{open: true}
	names, secrets := map[string]bool{}, map[string]bool{}
	for _, t := range slices.Concat(fixed, stored) {
		if names[t.Name] || secrets[t.Secret] {
			continue
		}
		names[t.Name], secrets[t.Secret] = true, true
		k.tokens = append(k.tokens, t)
	}
	slices.SortFunc(k.tokens, func(a, b Token) int { return cmp.Compare(a.Name, b.Name) })
	for _, t := range k.tokens {
		k.digests = append(k.digests, digestOf(t.Secret))
		if slices.Contains(t.Rights, Play) && !slices.Contains(t.Rights, Administer) {
			k.open = false
		}
	}
	return k
}

// A digest is of a credential, or of a token's secret.
type digest = [sha256.Size]byte

func digestOf(credential string) digest { return sha256.Sum256([]byte(credential)) }

// find returns the token whose secret has this digest. How long it takes depends
// on the number of tokens only: digests are compared, each of them, in constant
// time.
func (k *keys) find(d digest) (t Token, found bool) {
	which := -1
	for i := range k.digests {
		which = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(d[:], k.digests[i][:]), i, which)
	}
	if which < 0 {
		return Token{}, false
	}
	return k.tokens[which], true
}

// authorize decides by these tokens alone. The request's credential is looked at
// by its digest; only whether there is one counts besides.
func (k *keys) authorize(r Request, d digest) (Identity, error) {
	token, found := k.find(d)
	identity := Identity{Name: token.Name}
	switch {
	case r.Action == Play && !r.Private && k.open: // with whatever credential: clients send "undefined"
		return identity, nil
	case r.Credential == "":
		return identity, ErrNoToken
	case !found:
		return identity, ErrUnknownToken
	case !allows(token.Rights, r.Action):
		return identity, ErrForbidden
	default:
		return identity, nil
	}
}

// same says whether these are the same tokens, with the same rights.
func (k *keys) same(other *keys) bool {
	return slices.Equal(k.digests, other.digests) && slices.EqualFunc(k.tokens, other.tokens, func(a, b Token) bool {
		return a.Name == b.Name && slices.Equal(a.Rights, b.Rights)
	})
}

// allows says whether the rights include the action: to administer is to be
// allowed everything, the others include nothing else.
func allows(rights []Action, a Action) bool {
	switch a {
	case Play, Publish, Administer:
		return slices.Contains(rights, a) || slices.Contains(rights, Administer)
	default:
		return false
	}
}

// checkAll says all that is wrong with a list of tokens, each by its name or,
// where that is none, by its place.
func checkAll(tokens []Token) []error {
	var problems []error
	names, secrets := map[string]bool{}, map[string]string{}
	for i, t := range tokens {
		where := fmt.Sprintf("token %d", i+1)
		if validName(t.Name) {
			where = "token " + t.Name
		}
		for _, err := range t.check() {
			problems = append(problems, fmt.Errorf("%s: %w", where, err))
		}
		if t.Name != "" && names[t.Name] {
			problems = append(problems, fmt.Errorf("%s: the name is used twice", where))
		}
		if other, twice := secrets[t.Secret]; twice && t.Secret != "" {
			problems = append(problems, fmt.Errorf("%s: the secret is that of %s too", where, other))
		}
		names[t.Name], secrets[t.Secret] = true, where
	}
	if len(tokens) > mostTokens {
		problems = append(problems, fmt.Errorf("%d tokens, at most %d can be kept", len(tokens), mostTokens))
	}
	return problems
}

// freeName returns the name, or the first of name-2, name-3, … that is free.
func freeName(name string, tokens ...[]Token) string {
	taken := map[string]bool{}
	for _, t := range slices.Concat(tokens...) {
		taken[t.Name] = true
	}
	free := name
	for n := 2; taken[free]; n++ {
		number := fmt.Sprintf("-%d", n)
		free = name[:min(len(name), mostName-len(number))] + number
	}
	return free
}
