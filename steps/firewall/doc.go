// Package firewall has one step: a firewalld that runs on a host lets the fabric's
// traffic pass. Other firewalls are the operator's.
package firewall
