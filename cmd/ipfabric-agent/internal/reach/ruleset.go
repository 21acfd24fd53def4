package reach

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A ruleset follows packets through chains. It reads a chain's rules and a
// set's elements when it first needs them.
type ruleset struct {
	conn   *nftables.Conn
	chains map[chainName]*nftables.Chain
	rules  map[chainName][]*nftables.Rule
	sets   map[chainName]*set
	steps  int   // expressions so far
	err    error // why something could not be read
}

// A chainName names a chain or a set.
type chainName struct {
	family nftables.TableFamily
	table  string
	name   string
}

func nameOf(t *nftables.Table, name string) chainName { return chainName{t.Family, t.Name, name} }

func newRuleset(conn *nftables.Conn, chains []*nftables.Chain) *ruleset {
	rs := &ruleset{conn: conn, chains: map[chainName]*nftables.Chain{}, rules: map[chainName][]*nftables.Rule{}, sets: map[chainName]*set{}}
	for _, c := range chains {
		if c.Table != nil {
			rs.chains[nameOf(c.Table, c.Name)] = c
		}
	}
	return rs
}

// A fate is what becomes of a packet; higher is worse.
type fate int

const (
	passes fate = iota
	// mayPass: it is dropped unless a condition holds that cannot be judged.
	mayPass
	drops
)

// base is what a base chain does to a packet. A packet that is dropped only if a
// condition holds that cannot be judged passes: such as one from an address that
// the operator has blocked.
func (rs *ruleset) base(c *nftables.Chain, p packet) fate {
	end := accepted
	if c.Policy != nil && *c.Policy == nftables.ChainPolicyDrop {
		end = dropped
	}
	ends := func(x ending) ending {
		if x&through != 0 {
			return x&^through | end
		}
		return x
	}
	switch usual := ends(rs.chain(c, &p, false, 0)); {
	case usual == accepted:
		return passes
	case ends(rs.chain(c, &p, true, 0)) == dropped:
		return drops
	}
	return mayPass
}

// An ending is a set of ways in which a rule or a chain may end.
type ending int

const (
	accepted ending = 1 << iota
	dropped
	through // it leaves the chain: by return, or after the last rule
	next    // of a rule only: the next rule comes
)

// chain follows a packet through the rules of a chain. With all, rules that
// cannot be judged match or not, which gives all endings that are possible.
// Without, they do not match.
func (rs *ruleset) chain(c *nftables.Chain, p *packet, all bool, depth int) ending {
	const deepest = 16 // NFT_JUMP_STACK_SIZE
	if depth > deepest {
		return accepted | dropped
	}
	var out ending
	for _, r := range rs.rulesOf(c) {
		end, match := rs.rule(c, r, p, all, depth)
		if match == no || match == maybe && !all {
			continue
		}
		out |= end &^ next
		if match == yes && end&next == 0 {
			return out
		}
	}
	return out | through
}

func (rs *ruleset) rulesOf(c *nftables.Chain) []*nftables.Rule {
	name := nameOf(c.Table, c.Name)
	rules, ok := rs.rules[name]
	if ok || rs.err != nil {
		return rules
	}
	rules, rs.err = rs.conn.GetRules(c.Table, c)
	rs.rules[name] = rules
	return rules
}

// rule says whether a rule matches, and how it ends if it does.
func (rs *ruleset) rule(c *nftables.Chain, r *nftables.Rule, p *packet, all bool, depth int) (ending, answer) {
	reg := registers{}
	match := yes
	for _, e := range r.Exprs {
		rs.steps++
		is := yes
		switch e := e.(type) {
		case *expr.Meta:
			if !e.SourceRegister {
				reg.set(e.Register, p.meta(e.Key))
			}
		case *expr.Payload:
			if e.OperationType == expr.PayloadLoad {
				var value []byte
				if e.Base == expr.PayloadBaseNetworkHeader {
					value = p.network(e.Offset, e.Len)
				}
				reg.set(e.DestRegister, value)
			}
		case *expr.Ct:
			var value []byte
			if e.Key == expr.CtKeySTATE {
				value = binaryutil.NativeEndian.PutUint32(p.state)
			}
			if !e.SourceRegister {
				reg.set(e.Register, value)
			}
		case *expr.Bitwise:
			reg.set(e.DestRegister, bitwise(e, reg.get(e.SourceRegister)))
		case *expr.Cmp:
			is = compare(e, reg.get(e.Register))
		case *expr.Range:
			is = maybe
		case *expr.Lookup:
			v, found := rs.lookup(c, e, reg)
			is = found
			switch {
			case !e.IsDestRegSet:
			case e.DestRegister != verdictRegister:
				reg.set(e.DestRegister, nil)
			case found == yes && v != nil:
				return rs.verdict(c, v, p, all, depth), match
			case found != no:
				return accepted, min(match, maybe)
			}
		case *expr.Match:
			is = matches(e, p)
		case *expr.Fib, *expr.Exthdr, *expr.Hash, *expr.Numgen, *expr.Limit, *expr.Connlimit, *expr.Quota:
			is = maybe
		case *expr.Queue:
			return accepted, min(match, maybe)
		case *expr.Immediate:
			reg.set(e.Register, e.Data)
		case *expr.Verdict:
			return rs.verdict(c, e, p, all, depth), match
		case *expr.Reject:
			return dropped, match
		case *expr.Target:
			if e.Name == "REJECT" || e.Name == "TARPIT" {
				return dropped, match
			}
			if e.Name == "NFQUEUE" || e.Name == "SYNPROXY" || e.Name == "TPROXY" {
				return accepted, min(match, maybe)
			}
		}
		if match = min(match, is); match == no {
			return next, no
		}
	}
	return next, match
}

// verdictRegister is where a verdict map writes to (NFT_REG_VERDICT).
const verdictRegister = 0

func (rs *ruleset) verdict(c *nftables.Chain, v *expr.Verdict, p *packet, all bool, depth int) ending {
	switch v.Kind {
	case expr.VerdictAccept:
		return accepted
	case expr.VerdictDrop:
		return dropped
	case expr.VerdictReturn:
		return through
	case expr.VerdictJump, expr.VerdictGoto:
		to := rs.chains[nameOf(c.Table, v.Chain)]
		if to == nil {
			return next
		}
		end := rs.chain(to, p, all, depth+1)
		if v.Kind == expr.VerdictJump && end&through != 0 {
			end = end&^through | next
		}
		return end
	}
	return next
}

// matches is what one of xtables' conditions says, as iptables-nft uses them.
func matches(e *expr.Match, p *packet) answer {
	switch info := e.Info.(type) {
	case *xt.Comment:
		return yes
	case *xt.ConntrackMtinfo3:
		// Bits of its own: 1 invalid, 2 established, 4 related, 8 new.
		if xt.ConntrackFlags(info.MatchFlags)&^xt.ConntrackStateAlias != xt.ConntrackState {
			return maybe
		}
		is := truth(uint32(info.StateMask)&p.state != 0)
		if xt.ConntrackFlags(info.InvertFlags)&xt.ConntrackState != 0 {
			return is.not()
		}
		return is
	}
	return maybe
}

// A set is the elements of one.
type set struct {
	*nftables.Set
	elements []nftables.SetElement
}

// lookup says whether a set has what is in the registers, and in a map of
// verdicts which one belongs to it.
func (rs *ruleset) lookup(c *nftables.Chain, e *expr.Lookup, reg registers) (*expr.Verdict, answer) {
	s := rs.set(c.Table, e.SetName)
	if s == nil || s.Concatenation && s.Interval {
		return nil, maybe
	}
	if len(s.elements) == 0 {
		return nil, truth(e.Invert)
	}
	found := no
	var v *expr.Verdict
	for i, el := range s.elements {
		if el.IntervalEnd || len(el.Key) == 0 {
			continue
		}
		key := reg.key(e.SourceRegister, len(el.Key))
		if key == nil {
			return nil, maybe
		}
		n := bytes.Compare(key, el.Key)
		if n == 0 || s.Interval && n > 0 && beforeEnd(s.elements[i+1:], key) {
			found, v = yes, verdictOf(el.Val)
			break
		}
	}
	if e.Invert {
		found = found.not()
	}
	return v, found
}

// verdictOf reads the verdict of a map's element, which the nftables library
// returns as it comes from the kernel: NFTA_VERDICT_CODE and NFTA_VERDICT_CHAIN.
func verdictOf(data []byte) *expr.Verdict {
	ad, err := netlink.NewAttributeDecoder(data)
	if err != nil {
		return nil
	}
	ad.ByteOrder = binary.BigEndian
	v := &expr.Verdict{}
	for ad.Next() {
		switch ad.Type() {
		case unix.NFTA_VERDICT_CODE:
			v.Kind = expr.VerdictKind(int32(ad.Uint32()))
		case unix.NFTA_VERDICT_CHAIN:
			v.Chain = ad.String()
		}
	}
	if ad.Err() != nil {
		return nil
	}
	return v
}

// beforeEnd says whether a key is below the next element, which ends or begins
// an interval. The elements are sorted.
func beforeEnd(rest []nftables.SetElement, key []byte) bool {
	return len(rest) == 0 || bytes.Compare(key, rest[0].Key) < 0
}

func (rs *ruleset) set(t *nftables.Table, name string) *set {
	id := nameOf(t, name)
	if s, ok := rs.sets[id]; ok || rs.err != nil {
		return s
	}
	rs.sets[id] = nil
	found, err := rs.conn.GetSetByName(t, name)
	if err != nil {
		return nil // it is gone by now
	}
	found.Table = t
	s := &set{Set: found}
	if s.elements, err = rs.conn.GetSetElements(found); err != nil {
		return nil
	}
	ends := func(e nftables.SetElement) int {
		if e.IntervalEnd {
			return 0
		}
		return 1
	}
	slices.SortFunc(s.elements, func(a, b nftables.SetElement) int {
		return cmp.Or(bytes.Compare(a.Key, b.Key), ends(a)-ends(b))
	})
	rs.sets[id] = s
	return s
}
