import Consensus
import Filesystem
import Membership
import NodeCore
import Primitives
import Replication

// What nodes want done. A new case of `Effect` is handled here, and nowhere else; a new case of
// `Event` gets its number in `Trace`.
extension World {
    mutating func interpret(_ effect: Effect, of node: Int) {
        switch effect {
        case .send(let to, let lane, let message, let attachment): send(message, attachment, lane, node, to)
        case .gossip(let to, let packet): sendDatagram(packet, node, to)
        case .sync(let id, let endpoint, _, let payload): beginSync(id, endpoint, payload, node)
        case .answerSync(let token, let payload): answerSync(token, payload, node)
        case .join(let endpoint, let request): beginJoin(endpoint, request, node)
        case .answerJoin(let token, let reply): answerJoin(token, reply, node)
        case .peer(let record): follow(record, node)
        case .startTimer(let key, let generation, let at): startTimer(key, generation, at, node)
        case .cancelTimer(let key): hosts[node].timers[key] = nil
        case .persist(let token, let writes): persist(token, writes, node)
        case .saveSnapshot(let group, let metadata, let machine): saveSnapshot(group, metadata, machine, node)
        case .sendSnapshot(let group, let to, let metadata): sendSnapshot(group, metadata, node, Self.index(of: to))
        case .removeGroup(let group): remove(group, node)
        case .stageWrite(let stage, let offset, let buffer, _, let token): stageWrite(stage, offset, buffer, token, node)
        case .storeStage(let stage, let inPlace, let limit, let token): storeStage(stage, inPlace, limit, token, node)
        case .dropStage(let stage): hosts[node].stages[stage] = nil
        case .readExtents(let extents, let under, let offset, let length, let token):
            readExtents(extents, under, offset, length, token, node)
        case .makeBuffer(let bytes, let token):
            let payload = hosts[node].insert(Content(bytes))
            complete(.bytesRead(token, payload), node, after: 1_000)
        case .sliceBuffer(let buffer, let offset, let length, let token):
            guard let whole = hosts[node].buffers[buffer] else { preconditionFailure("a slice of \(buffer), which was dropped") }
            let payload = hosts[node].insert(whole.slice(UInt64(offset), UInt64(length)))
            complete(.bytesRead(token, payload), node, after: 1_000)
        case .pushChunks(let chunks, let to, let token): pushChunks(chunks, node, Self.index(of: to), token)
        case .fetchChunks(let chunks, let from, let token): fetchChunks(chunks, node, Self.index(of: from), token)
        case .chunks(let work): perform(work, node)
        case .dropBuffer(let buffer): hosts[node].buffers[buffer] = nil
        case .reply(let request, let reply): replied(request, reply, node)
        case .publish(let notice): noticed(notice, node)
        }
    }

    /// A completion of a node's own effect.
    mutating func complete(_ event: Event, _ node: Int, after delay: Int64) {
        after(delay, .event(node: node, life: hosts[node].life, event))
    }

    private mutating func noticed(_ notice: NodeNotice, _ node: Int) {
        trace.line(now, "n\(node + 1) \(notice)")
        switch notice {
        case .roleChanged(let group, let role, let term, _):
            guard role == "leader" else {
                if role != "follower" { failovers.campaigns(node, in: group, at: now) { hosts[$0].lostAt } }
                return
            }
            statistics.checks.count(.election)
            let key = LeaderKey(group: group, term: term)
            if let known = leaders[key], known != hosts[node].id {
                violate(.election, "\(known) and \(hosts[node].id) lead \(group) in term \(term)")
            }
            leaders[key] = hosts[node].id
            leaderElected(group, node)
        case .fault(let text): trace.line(now, "n\(node + 1) fault: \(text)")
        case .contentLost(_, let name, let chunks, let files):
            trace.line(now, "n\(node + 1) no node gives \(chunks) chunks of \(files) files of \(name)")
        // The process of a node that has said goodbye ends; where all is being healed, it is started again.
        case .left: after(1_000_000, isFrozen ? .ends(node: node, life: hosts[node].life) : .fault(.crash(node, isSudden: false)))
        case .member, .region, .groupStarted, .groupRemoved, .joined, .joinDelayed, .handedOver: break
        }
    }

    // MARK: Names

    static func index(of node: NodeID) -> Int { Int(node.rawValue) - 1 }
    static func gossip(_ node: Int) -> Endpoint { Endpoint(host: "gossip", port: UInt16(node + 1)) }
    static func peer(_ node: Int) -> Endpoint { Endpoint(host: "peer", port: UInt16(node + 1)) }
}
