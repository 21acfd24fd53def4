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
// Arguments reach the command as they are: nothing is expanded or split. Each
// command runs under `exec /bin/sh`, in a line that means the same to sh, bash, fish and csh, so
// that the user's login shell matters little, after a marker on both outputs: what a noisy .bashrc
// prints before it is cut off. The marker carries the process group, because sshd refuses to
// pass on signals in root's sessions: a command that is to end early is sent
// TERM by a second command.
//
// # Root
//
// A Target with Sudo whose user is not root becomes root by sudo. What sudo wants is found out once, by
// the first connection. From then on each command runs under a sudo of its own, with the password, if it
// wants one, as the first line of its standard input; and files go through an SFTP server
// that runs under sudo. So all methods do the same as with a login as root.
//
// A password counts for all hosts of a user. It is tried on one of them first.
//
// # Files
//
// Files are read and written over one SFTP session, which is opened when first
// needed. A file is replaced by a rename, so that at every moment either the
// old or the new one is there in full.
//
// # Trust
//
// A host key is always compared with known_hosts. A host that is not in it is
// asked about, accepted by Config.AcceptNew, or refused; a host whose key has
// changed is refused in every case. Neither what is sent to a command's standard input
// nor the content of a file nor a password is logged.
package remote
