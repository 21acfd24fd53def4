// Package packages installs and upgrades FRR's packages. Platform is what differs
// between operating systems, a table in os.go; Manager is a package manager, apt or dnf.
//
// A package manager that is cut off leaves a broken host. So it runs in a session
// of its own (to-the-end.sh), and only where there is room for it (HasSpace); what
// an earlier one has left half done is completed first. A repository is tried out
// from a folder of its own before it is put in place.
//
// Errors of package managers carry a hint where it is known what helps (error.go).
package packages
