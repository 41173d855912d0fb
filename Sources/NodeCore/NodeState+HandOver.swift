import Consensus
import Membership
import Primitives
import Replication

// Before a node stops it hands over what it leads, so that nobody waits for an election.

extension NodeState {
    /// Hands every group that is led here to a voter that has everything, nearest to home first, and looks
    /// again until none is left. The host bounds the wait.
    mutating func handOver(into effects: inout [Effect]) {
        guard handingOver else { return }
        var isOver = true
        for (id, hosted) in groups where hosted.isLeader {
            guard let status = raft.status(id), status.role == .leader else { continue }
            guard status.transferTarget == nil else {
                isOver = false
                continue
            }
            guard let heir = heir(of: id, status) else { continue }
            isOver = false
            driveRaft(.group(id, .transferLeadership(to: heir)), into: &effects)
        }
        if isOver {
            handingOver = false
            effects.append(.publish(.handedOver))
        } else {
            effects.append(.startTimer(.handOver, generation: 0, at: now + .milliseconds(50)))
        }
    }

    private func heir(of id: GroupID, _ status: RaftStatus) -> NodeID? {
        let home = id == .catalog ? catalog.catalogPlan?.home : catalog.filesystem(of: id)?.leaderRegion
        let ready = status.peers.filter { peer in
            status.configuration.voters.contains(peer.id) && peer.isReachable && peer.state == .replicate
                && swim.member(peer.id)?.status == .alive
        }
        return ready.max { rank($0, home) < rank($1, home) }?.id
    }

    private func rank(_ peer: RaftStatus.Peer, _ home: RegionID?) -> (Int, UInt64, UInt64) {
        (region(of: peer.id) == home ? 1 : 0, peer.match, .max - peer.id.rawValue)
    }
}
