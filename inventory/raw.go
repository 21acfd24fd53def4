package inventory

// The raw types are fabric.yaml as it is written, each value with its place.
// A field's key tag is the key in the file, its eg tag an example that errors
// show.

type rawFabric struct {
	at
	Name            text           `key:"fabric" eg:"fabric: lab"`
	AS              text           `key:"as" eg:"as: 65000"`
	Communities     list[text]     `key:"communities" eg:"communities: [\"65000:100\"]"`
	Gateway         rawGateway     `key:"gateway" eg:"gateway: {ipv4: 10.0.0.1}"`
	Pools           list[text]     `key:"pools" eg:"pools: [203.0.113.0/24]"`
	VXLAN           text           `key:"vxlan" eg:"vxlan: false"`
	Isolate         text           `key:"isolate" eg:"isolate: false"`
	Protect         rawProtect     `key:"protect" eg:"protect: true"`
	Metrics         text           `key:"metrics" eg:"metrics: 127.0.0.1:9472"`
	BGP             rawBGP         `key:"bgp" eg:"bgp: {keepalive: 10s, hold_time: 30s}"`
	SSH             rawSSHDefaults `key:"ssh" eg:"ssh: {user: root}"`
	FRR             rawFRR         `key:"frr" eg:"frr: {source: distribution}"`
	RouteReflectors list[rawRR]    `key:"route_reflectors" eg:"route_reflectors: [{name: rr1, addresses: [10.10.0.11]}]"`
	CoreGateways    list[rawCore]  `key:"core_gateways" eg:"core_gateways: [{name: mx1, vendor: junos, addresses: [10.10.0.1]}]"`
	Nodes           list[rawNode]  `key:"nodes" eg:"nodes: [{name: node1, addresses: [10.10.0.21]}]"`
}

type rawGateway struct {
	at
	IPv4 text `key:"ipv4" eg:"ipv4: 10.0.0.1"`
	IPv6 text `key:"ipv6" eg:"ipv6: \"fe80::1\""`
	MAC  text `key:"mac" eg:"mac: \"02:00:00:00:00:01\""`
}

type rawBGP struct {
	at
	Password        rawSecret `key:"password" eg:"password: {env: BGP_PASSWORD}"`
	Keepalive       text      `key:"keepalive" eg:"keepalive: 10s"`
	HoldTime        text      `key:"hold_time" eg:"hold_time: 30s"`
	ConnectRetry    text      `key:"connect_retry" eg:"connect_retry: 5s"`
	BFD             rawBFD    `key:"bfd" eg:"bfd: {enabled: true, interval: 300ms, multiplier: 3}"`
	MaxPrefixes     text      `key:"max_prefixes" eg:"max_prefixes: 5000"`
	CoreMaxPrefixes text      `key:"core_max_prefixes" eg:"core_max_prefixes: 20000"`
}

type rawSecret struct {
	at
	Env  text `key:"env" eg:"env: BGP_PASSWORD"`
	File text `key:"file" eg:"file: bgp-password"`
}

// A rawBFD may also be written as true or false alone.
type rawBFD struct {
	at
	Enabled    text `key:"enabled" eg:"enabled: true"`
	Interval   text `key:"interval" eg:"interval: 300ms"`
	Multiplier text `key:"multiplier" eg:"multiplier: 3"`
}

type rawSSHDefaults struct {
	at
	User       text       `key:"user" eg:"user: root"`
	Port       text       `key:"port" eg:"port: 22"`
	Keys       list[text] `key:"keys" eg:"keys: [~/.ssh/id_ed25519]"`
	Jump       list[text] `key:"jump" eg:"jump: [\"ops@bastion.example.net\"]"`
	Sudo       text       `key:"sudo" eg:"sudo: true"`
	KnownHosts text       `key:"known_hosts" eg:"known_hosts: known_hosts"`
}

type rawSSH struct {
	at
	Address text       `key:"address" eg:"address: rr1.example.net"`
	User    text       `key:"user" eg:"user: root"`
	Port    text       `key:"port" eg:"port: 22"`
	Keys    list[text] `key:"keys" eg:"keys: [~/.ssh/id_ed25519]"`
	Jump    list[text] `key:"jump" eg:"jump: [\"ops@bastion.example.net\"]"`
	Sudo    text       `key:"sudo" eg:"sudo: true"`
}

type rawFRR struct {
	at
	Source text      `key:"source" eg:"source: distribution"`
	Series text      `key:"series" eg:"series: \"10.3\""`
	Mirror rawMirror `key:"mirror" eg:"mirror: {apt: {url: \"https://mirror.example.net/frr\", key: mirror.asc}}"`
	Extra  text      `key:"extra" eg:"extra: |"`
}

type rawMirror struct {
	at
	Apt rawAptRepository `key:"apt" eg:"apt: {url: \"https://mirror.example.net/frr\", key: mirror.asc}"`
	RPM rawRepository    `key:"rpm" eg:"rpm: {url: \"https://mirror.example.net/frr-el8\", key: mirror.asc}"`
}

type rawAptRepository struct {
	at
	URL         text `key:"url" eg:"url: https://mirror.example.net/frr"`
	Suite       text `key:"suite" eg:"suite: bookworm"`
	Component   text `key:"component" eg:"component: main"`
	Key         text `key:"key" eg:"key: mirror.asc"`
	Fingerprint text `key:"fingerprint" eg:"fingerprint: 0123456789ABCDEF0123456789ABCDEF01234567"`
}

type rawRepository struct {
	at
	URL         text `key:"url" eg:"url: https://mirror.example.net/frr-el8"`
	Key         text `key:"key" eg:"key: mirror.asc"`
	Fingerprint text `key:"fingerprint" eg:"fingerprint: 0123456789ABCDEF0123456789ABCDEF01234567"`
}

type rawRR struct {
	at
	Name      text       `key:"name" eg:"name: rr1"`
	Addresses list[text] `key:"addresses" eg:"addresses: [10.10.0.11, \"fd00:10::11\"]"`
	RouterID  text       `key:"router_id" eg:"router_id: 10.10.0.11"`
	ClusterID text       `key:"cluster_id" eg:"cluster_id: 10.10.0.11"`
	Managed   text       `key:"managed" eg:"managed: true"`
	OS        text       `key:"os" eg:"os: debian12"`
	SSH       rawSSH     `key:"ssh" eg:"ssh: {address: rr1.example.net}"`
	FRR       rawFRR     `key:"frr" eg:"frr: {source: distribution}"`
}

type rawCore struct {
	at
	Name         text       `key:"name" eg:"name: mx1"`
	Vendor       text       `key:"vendor" eg:"vendor: junos"`
	Addresses    list[text] `key:"addresses" eg:"addresses: [10.10.0.1, \"fd00:10::1\"]"`
	RouterID     text       `key:"router_id" eg:"router_id: 10.10.0.1"`
	LookingGlass text       `key:"looking_glass" eg:"looking_glass: none"`
	SSH          rawSSH     `key:"ssh" eg:"ssh: {address: mx1.example.net}"`
}

type rawNode struct {
	at
	Name           text       `key:"name" eg:"name: node1"`
	Addresses      list[text] `key:"addresses" eg:"addresses: [10.10.0.21, \"fd00:10::21\"]"`
	RouterID       text       `key:"router_id" eg:"router_id: 10.10.0.21"`
	Virtualization text       `key:"virtualization" eg:"virtualization: kvm"`
	OS             text       `key:"os" eg:"os: debian12"`
	SSH            rawSSH     `key:"ssh" eg:"ssh: {address: node1.example.net}"`
	FRR            rawFRR     `key:"frr" eg:"frr: {source: distribution}"`
}

// A rawProtect may also be written as true or false alone.
type rawProtect struct {
	at
	Enabled text       `key:"enabled" eg:"enabled: true"`
	Allow   list[text] `key:"allow" eg:"allow: [53/udp]"`
}

// rawAgent is agent.yaml.
type rawAgent struct {
	at
	Fabric         text       `key:"fabric" eg:"fabric: lab"`
	Node           text       `key:"node" eg:"node: node1"`
	Virtualization text       `key:"virtualization" eg:"virtualization: kvm"`
	Gateway        rawGateway `key:"gateway" eg:"gateway: {ipv4: 10.0.0.1}"`
	Pools          list[text] `key:"pools" eg:"pools: [203.0.113.0/24]"`
	Infrastructure list[text] `key:"infrastructure" eg:"infrastructure: [10.10.0.11]"`
	Metrics        text       `key:"metrics" eg:"metrics: 127.0.0.1:9472"`
	Isolate        text       `key:"isolate" eg:"isolate: false"`
	Protect        rawProtect `key:"protect" eg:"protect: {enabled: true}"`
	MaxPrefixes    text       `key:"max_prefixes" eg:"max_prefixes: 5000"`
}
