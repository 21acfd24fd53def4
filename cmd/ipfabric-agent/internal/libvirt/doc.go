// Package libvirt understands what libvirt tells its qemu hook: which domain,
// what happens to it, and its XML.
//
// A domain becomes the fabric's by its metadata:
//
//	<metadata>
//	  <ipfabric:vm xmlns:ipfabric="urn:ipfabric:vm" ip="203.0.113.5" ip6="2001:db8:100::5"/>
//	</metadata>
//
// Its interface is the one whose target is the VM's interface name, or else its
// first one of type ethernet.
package libvirt
