import Consensus
import Membership
import Primitives
import Replication

// Founders whose directory holds nothing. At the beginning of a cluster that is all of them, and nobody can
// let them in; later it is one that has lost its disk, and with it its votes and what it acknowledged. If
// that one voted again, it could elect a leader, together with those who had missed an entry, that lacks
// what was committed (docs/rfcs/2026-11-21-a-disk-that-was-emptied.md). So a new founder takes part only when
//
// - somebody who knows the cluster has registered its directory with the catalog's leader, which refuses
//   another directory than the first; or
// - so many of the first voters were new themselves, since this node started, that each majority of them
//   has one of those in it: then nothing can have been agreed with the help of what this node has lost.

extension NodeState {
    /// Who votes first in the catalog.
    private var firstVoters: [NodeID] { catalogPlan().voters.map(\.node) }

    /// How many of the other first voters must be new too.
    var foundersWanted: Int {
        let voters = firstVoters
        return min(voters.count(where: { $0 != settings.id }), voters.count - Quorum.majority(of: voters.count) + 1)
    }

    /// Asks the first voters, and one seed more: a joiner may know the cluster when founders do not.
    mutating func askFounders(into effects: inout [Effect]) {
        guard let introduction = settings.introduction, var state = joining else { return }
        var asked: [Endpoint] = []
        for voter in firstVoters where voter != settings.id {
            let founder = cluster.founders[Int(voter.rawValue) - 1]
            guard let peer = founder.endpoints.first(where: { $0.key == "peer" }) else { continue }
            asked.append(Endpoint(host: peer.host, port: peer.port))
        }
        let seeds = swim.seedsToAsk
        if !seeds.isEmpty, !asked.contains(seeds[state.nextSeed % seeds.count]) { asked.append(seeds[state.nextSeed % seeds.count]) }
        state.nextSeed += 1
        state.rounds += 1
        joining = state
        let request = JoinRequest(node: settings.id, introduction: introduction, isNew: true)
        for endpoint in asked { effects.append(.join(with: endpoint, request)) }
    }

    /// A question to a node that is new itself: from a founder that is new too, it is an answer.
    mutating func serveWhileNew(_ token: SyncToken, from: NodeID, _ request: JoinRequest, into effects: inout [Effect]) {
        guard request.isNew, from == request.node, isFounder(request), let store = settings.introduction?.store else {
            effects.append(.answerJoin(token, .later("\(settings.id) has not joined the cluster itself")))
            return
        }
        newFounders[from] = request.introduction.store
        effects.append(.answerJoin(token, .beginning(settings.id, store: store)))
        beginIfFounded(into: &effects)
    }

    private func isFounder(_ request: JoinRequest) -> Bool {
        let position = Int(clamping: request.node.rawValue) - 1
        guard cluster.founders.indices.contains(position) else { return false }
        return cluster.founders[position].name == request.introduction.name
    }

    mutating func beginIfFounded(into effects: inout [Effect]) {
        guard joining != nil, !cluster.founders.isEmpty else { return }
        let heard = firstVoters.count { $0 != settings.id && newFounders.contains($0) }
        if heard >= foundersWanted { joined(into: &effects) }
    }

    /// What a node that has begun, and knows no cluster yet, tells one that asks. Whom it knew as new when it
    /// was new itself still is, as far as this node is concerned, if it comes with the same directory.
    func replyBeforeTheCluster(_ request: JoinRequest) -> JoinReply {
        if request.isNew, let store = settings.introduction?.store, newFounders[request.node] == request.introduction.store {
            return .beginning(settings.id, store: store)
        }
        return .later(
            "the cluster has not begun, or \(settings.id) does not know it yet; if \(request.node) has lost its data, "
                + "start the nodes that have theirs")
    }

    /// The founders with the data directories that are known here, for the catalog.
    var foundersWithStores: [NodeIntroduction] {
        cluster.founders.enumerated().map { position, founder in
            let id = NodeID(UInt64(position) + 1)
            var copy = founder
            copy.store = (id == settings.id ? settings.introduction?.store : newFounders[id]) ?? 0
            return copy
        }
    }
}
