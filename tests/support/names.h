#pragma once

namespace snap::test {

// From now on this process and its children find names in /etc/hosts alone: no other one is known,
// whatever the machine's resolver says of names that do not exist. Call it before the first name is
// asked for and before there are threads. Needs root: it gives the process a mount namespace.
void know_only_hosts();

}  // namespace snap::test
