import Consensus
package import Filesystem
package import Primitives
import Replication

// Whether a change can be written down while this node's disk takes nothing.
extension NodeState {
    /// A group that this node leads, and of whose voters the others alone are no majority.
    package func needsOwnDisk(_ group: GroupID) -> Bool {
        guard let hosted = groups[group], hosted.isLeader else { return false }
        let voters = hosted.configuration.voters
        return (voters.count - 1) * 2 <= voters.count
    }

    /// As of the group of this session's file system; false where there is no such session.
    package func needsOwnDisk(_ session: SessionID) -> Bool { sessions[session].map { needsOwnDisk($0.group) } ?? false }
}
