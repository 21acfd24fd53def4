// Package aptconf reads the host's apt configuration: where its packages come
// from and how it gets there. The lab's machines use the same mirrors and
// proxies, so the lab works wherever apt works on the host, and no mirror is
// named in this program.
package aptconf
