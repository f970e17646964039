"""What is trusted most: nothing that was acknowledged is lost or counted twice, whatever fails meanwhile.
Servers are killed, databases stopped, disks filled; what was counted is shown at the end of the run."""
