package firewall

import (
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Names of the sets. The first four say what is allowed.
const (
	setVMs       = "vms"        // interfaces of VMs
	setSources4  = "sources4"   // interface . address
	setSources6  = "sources6"   // interface . address
	setLinkLocal = "linklocal6" // interface . address that belongs to the VM's MAC
	setFabric4   = "fabric4"    // addresses of the fabric's hosts
	setFabric6   = "fabric6"
	setLearned   = "learned6"  // interface . other link-local address that the VM uses
	setLearning  = "learning6" // interfaces, with how many of those they may use yet
	setDiscovery = "discovery" // interfaces, with how many ND messages they may send yet
	setOffenders = "offenders" // interfaces whose packets were dropped
)

// These sets hold entries: in the table inet, and in the table arp.
var (
	entrySets = []string{setVMs, setSources4, setSources6, setLinkLocal}
	arpSets   = []string{setVMs, setSources4}
)

// A VM may use learnBurst link-local addresses at once that do not belong to its
// MAC, such as those of RFC 7217, and learnRate more in each learnTime. Each is
// allowed for learnTime, and then costs one again. So a VM that uses new ones
// all the time has at most learnBurst + learnRate.
const (
	learnBurst = 4
	learnRate  = 4
	learnTime  = time.Hour
)

// A VM may send so many ND messages a second (RFC 4861), and that many at once.
const (
	discoveryRate  = 100
	discoveryBurst = 200
)

// dynamicSize is more than the interfaces, and the addresses learned, of any
// node. What a full set has no room for is refused.
const dynamicSize = 1 << 16

// A part is what the agent has in one family: the kernel has a table for each.
type part struct {
	table *nftables.Table
	sets  map[string]*nftables.Set
}

func newPart(family nftables.TableFamily, sets ...*nftables.Set) *part {
	p := &part{table: &nftables.Table{Name: TableName, Family: family}, sets: map[string]*nftables.Set{}}
	for _, s := range sets {
		s.Table = p.table
		if s.KeyType == nftables.TypeIFName {
			s.KeyByteOrder = binaryutil.NativeEndian
		}
		p.sets[s.Name] = s
	}
	return p
}

// newParts returns both tables, without their rules. The IDs of sets are good
// for one transaction.
func newParts() (inet, arp *part) {
	address4 := nftables.MustConcatSetType(nftables.TypeIFName, nftables.TypeIPAddr)
	address6 := nftables.MustConcatSetType(nftables.TypeIFName, nftables.TypeIP6Addr)
	dynamic := func(name string, key nftables.SetDatatype, timeout time.Duration) *nftables.Set {
		return &nftables.Set{Name: name, KeyType: key, Dynamic: true, HasTimeout: true, Timeout: timeout, Size: dynamicSize}
	}
	inet = newPart(nftables.TableFamilyINet,
		&nftables.Set{Name: setVMs, KeyType: nftables.TypeIFName},
		&nftables.Set{Name: setSources4, KeyType: address4},
		&nftables.Set{Name: setSources6, KeyType: address6},
		&nftables.Set{Name: setLinkLocal, KeyType: address6},
		// The kernel refuses changes of these two once rules use them.
		&nftables.Set{Name: setFabric4, KeyType: nftables.TypeIPAddr, Constant: true},
		&nftables.Set{Name: setFabric6, KeyType: nftables.TypeIP6Addr, Constant: true},
		dynamic(setLearned, address6, learnTime),
		// Longer than it takes to be allowed all again.
		dynamic(setLearning, nftables.TypeIFName, 2*learnTime),
		dynamic(setDiscovery, nftables.TypeIFName, time.Minute),
		dynamic(setOffenders, nftables.TypeIFName, memory))
	arp = newPart(nftables.TableFamilyARP,
		&nftables.Set{Name: setVMs, KeyType: nftables.TypeIFName},
		&nftables.Set{Name: setSources4, KeyType: address4},
		dynamic(setOffenders, nftables.TypeIFName, memory))
	return inet, arp
}

// in looks registers 1 and following up in a set.
func (p *part) in(set string) []expr.Any { return p.lookup(set, false) }

func (p *part) notIn(set string) []expr.Any { return p.lookup(set, true) }

func (p *part) lookup(set string, invert bool) []expr.Any {
	return []expr.Any{&expr.Lookup{SourceRegister: 1, SetName: set, SetID: p.sets[set].ID, Invert: invert}}
}

// update puts registers 1 and following into a set, or begins its timeout anew
// if it is there, and then evaluates what the element carries. If the set is
// full, that ends the rule.
func (p *part) update(set string, carries expr.Any) []expr.Any {
	return []expr.Any{&expr.Dynset{
		SrcRegKey: 1, SetName: set, SetID: p.sets[set].ID, Operation: unix.NFT_DYNSET_OP_UPDATE, Exprs: []expr.Any{carries},
	}}
}

// add puts registers 1 and following into a set. If they are there, their
// timeout goes on; if the set is full, that ends the rule.
func (p *part) add(set string) []expr.Any {
	return []expr.Any{&expr.Dynset{SrcRegKey: 1, SetName: set, SetID: p.sets[set].ID, Operation: unix.NFT_DYNSET_OP_ADD}}
}

// over matches what comes faster than a rate.
func over(rate uint64, unit expr.LimitTime, burst uint32) expr.Any {
	return &expr.Limit{Type: expr.LimitTypePkts, Rate: rate, Over: true, Unit: unit, Burst: burst}
}
