// Package remote reaches hosts over SSH: it runs commands on them and reads
// and writes their files.
//
// A Client holds what all hosts share: keys, known_hosts, jump hosts and the
// cap on simultaneous handshakes. Client.Host gives a Host, which dials when it
// is first used, keeps that one connection for all that follows, and dials anew
// after Close or after the connection was lost. Only connecting is ever
// retried; a command or an upload is not, since nobody knows how far it came.
//
// # Commands
//
// Arguments reach the command as they are: nothing is expanded or split. The login shell gets
// a line that means the same to sh, bash, fish and csh, and runs /bin/sh, which runs the command.
// First it prints a marker on both outputs, so that what a .bashrc prints before can be cut off.
// The marker also says the process group: sshd does not pass on signals in root's sessions, so a
// command that has to end early is sent TERM by a second command.
//
// # Root
//
// With Target.Sudo, a user who is not root becomes root by sudo. The first connection to a host
// finds out whether sudo needs a password. From then on each command runs under its own sudo, which
// reads the password, if it needs one, from the first line of standard input. Files go through an
// SFTP server that runs under sudo. So all methods do the same as with a login as root.
//
// A password is used for all hosts of a user. One host tries it first while the others wait. A host
// that may belong to another team should be opened after the others, so that they decide about
// the password.
//
// # Files
//
// Files are read and written over one SFTP session, which is opened when first
// needed. A file is replaced by a rename, so that at every moment either the
// old or the new one is there in full.
//
// # Trust
//
// A host key is always compared with known_hosts. If the host is not there, the operator is
// asked, or Config.AcceptNew accepts it, or it is refused. A host whose key has changed is
// always refused. The log never has a command's standard input, a file's content or a password.
package remote
