import Filesystem
import Membership
import Namespace
import Primitives
import Replication

/// The content of a group on its way to where its plan, and the nodes as they are, want it.
struct GroupFill {
    let plan: UInt64
    let nodes: UInt64
    var scan: ChunkScan?
    /// Chunks found for a node that were not sent for yet.
    var found = OrderedTable<NodeID, [ChunkReference]>()
    var underWay = 0
    var hasFailed = false
    /// After a failure: when the next round begins, and how many have failed.
    var again: Instant?
    var failures = 0
    /// Chunks that no node has which could be asked, and how many of them were told of before.
    var lacking: Set<ChunkID> = []
    var told = 0
    /// When the catalog was told.
    var toldAt: Instant?

    var isOver: Bool { scan == nil && found.isEmpty && underWay == 0 }
    var isDone: Bool { isOver && !hasFailed }

    /// Before the next round, by the number of those that failed: 5 s, doubled each time, at most 5 minutes.
    var pause: Duration { min(.seconds(5) * (1 << min(max(failures, 1) - 1, 6)), .seconds(300)) }
}

// The leader of a group walks through all chunks that its file system names, every version of it, and
// asks each node that placement wants a copy on to bring it home. Whoever has a chunk already says so at
// once. A round that failed somewhere is repeated whole, after longer and longer pauses: it costs little
// where little is missing, and what no node has is not looked for all the time. The pauses begin anew with
// another plan, other nodes, and a node that comes back.

extension NodeState {
    private static let recordsLooked = 2_048
    private static let chunksAsked = 64
    private static let asksUnderWay = 4
    private static let lackingLimit = 65_536

    /// Goes on with the round for this plan and these nodes; true when it is over and nothing failed.
    mutating func fill(_ id: GroupID, _ plan: ReplicaPlan, _ revision: UInt64, _ state: CatalogState, into effects: inout [Effect]) -> Bool
    {
        guard let files = groups[id]?.machine.files else { return false }
        if let known = fills[id], known.plan == revision, known.nodes == state.nodesRevision {
            if known.isDone { return true }
            if known.hasFailed, known.isOver, known.again.map({ $0 <= now }) ?? true {
                fills[id] = GroupFill(
                    plan: revision, nodes: state.nodesRevision, scan: ChunkScan(files.namespace), failures: known.failures, told: known.told
                )
            }
        } else {
            // Calls of an earlier round still end: they are counted with this one, which does no harm.
            let underWay = fills[id]?.underWay ?? 0
            fills[id] = GroupFill(plan: revision, nodes: state.nodesRevision, scan: ChunkScan(files.namespace), underWay: underWay)
        }
        advanceFill(id, into: &effects)
        return fills[id]?.isDone ?? false
    }

    private mutating func advanceFill(_ id: GroupID, into effects: inout [Effect]) {
        guard var state = fills[id] else { return }
        let isAlone = directory.count < 2
        while state.underWay < Self.asksUnderWay {
            if let (node, chunks) = state.found.first(where: { $0.value.count >= Self.chunksAsked || state.scan == nil }).map({
                ($0.key, $0.value)
            }) {
                let rest = Array(chunks.dropFirst(Self.chunksAsked))
                state.found[node] = rest.isEmpty ? nil : rest
                state.underWay += 1
                begin(
                    .background(.bring(id, node, Array(chunks.prefix(Self.chunksAsked)))), deadline: now + .seconds(55), into: &effects)
                continue
            }
            guard let chunks = state.scan?.next(limit: Self.recordsLooked) else {
                state.scan = nil
                if state.found.isEmpty { break }
                continue
            }
            guard !isAlone, !chunks.isEmpty, let wanted = placement(of: id) else { continue }
            for chunk in chunks {
                let living = wanted.destinations(of: chunk.id).filter { swim.member($0.node)?.status.isPresent ?? false }
                // Regions that are away get their copies when they are back; but somebody must have one.
                if living.isEmpty { state.hasFailed = true }
                for destination in living {
                    let known = state.found[destination.node] ?? []
                    // The same chunk again, as of a file's next version: most often the last that was found.
                    if known.last?.id != chunk.id { state.found[destination.node] = known + [chunk] }
                }
            }
        }
        if state.hasFailed, state.isOver, state.again == nil {
            state.failures += 1
            state.again = now + state.pause
            tellOfLost(id, &state, into: &effects)
        }
        fills[id] = state
    }

    /// Content that is nowhere is told of once, and again where it has become more.
    private func tellOfLost(_ id: GroupID, _ state: inout GroupFill, into effects: inout [Effect]) {
        guard state.lacking.count > state.told, let files = groups[id]?.machine.files else { return }
        state.told = state.lacking.count
        let record = catalog.filesystem(of: id)
        effects.append(
            .publish(
                .contentLost(
                    files.filesystem, name: record?.label ?? "group \(id)", chunks: state.lacking.count,
                    files: files.namespace.tree.countFiles(naming: state.lacking))))
    }

    /// A node is back, and may have what was missing.
    mutating func hastenFills() {
        for (id, fill) in fills where fill.again != nil {
            _ = fills.update(id) {
                $0.again = min($0.again ?? now, now + .seconds(5))
                $0.failures = 0
            }
        }
    }

    /// A node that is gone brings nothing: the round goes on without waiting for it.
    mutating func failBrings(to node: NodeID) {
        for (id, call) in calls.calls where call.fixed == node {
            guard case .bring = call.body else { continue }
            _ = calls.calls.remove(id)
            let failure = FileFailure(.unavailable, operation: "copy", object: "chunks to \(node)", cause: "the node is gone")
            resolve(call.token, .failed(failure))
        }
    }

    mutating func bringEnded(_ id: GroupID, _ failure: FileFailure?, lacking: [ChunkID], into effects: inout [Effect]) {
        guard fills[id] != nil else { return }
        _ = fills.update(id) {
            $0.underWay -= $0.underWay > 0 ? 1 : 0
            if failure != nil || !lacking.isEmpty { $0.hasFailed = true }
            for chunk in lacking where $0.lacking.count < Self.lackingLimit { $0.lacking.insert(chunk) }
        }
        advanceFill(id, into: &effects)
    }

    /// Fetches those of these chunks that are not here; the data plane knows which are, and says at the end which it
    /// has for good: what has arrived can be read earlier than it is durable.
    mutating func fetchMissing(_ chunks: [ChunkReference], of group: GroupID, _ progress: inout RequestProgress) throws(Interrupt) {
        let value = try step(Step(.read), &progress) { node, token in node.laterEffects.append(.chunks(.claim(chunks, token))) }
        guard case .missing(let absent) = value else { return }
        let gone = Set(absent)
        let wanted = chunks.filter { gone.contains($0.id) }
        progress.lacking = try fetchEach(wanted, of: group, &progress)
        let nowhere = Set(progress.lacking)
        let arrived = wanted.filter { !nowhere.contains($0.id) }
        guard !arrived.isEmpty else { return }
        let kept = try step(Step(.read, 1), &progress) { node, token in node.laterEffects.append(.chunks(.claim(arrived, token))) }
        guard case .missing(let lost) = kept else { return }
        throw .failure(
            FileFailure(
                .ioError, operation: "copy", object: "chunk \(lost[0].hex)", cause: "the disk lost it before it was durable",
                hint: "it is copied again"))
    }

    /// Fetches all; the chunks that are nowhere are the result.
    private mutating func fetchEach(_ wanted: [ChunkReference], of group: GroupID, _ progress: inout RequestProgress) throws(Interrupt)
        -> [ChunkID]
    {
        do throws(Interrupt) {
            try fetch(wanted, of: group, number: 0, &progress)
            return []
        } catch {
            guard case .failure = error else { throw error }
        }
        // Some of them are nowhere: each for itself, so that the others come and those have a name.
        var lacking: [ChunkID] = []
        var isWaiting = false
        var failed: Interrupt?
        for (position, chunk) in wanted.enumerated() {
            do throws(Interrupt) {
                try fetch([chunk], of: group, number: 1 + position, &progress)
            } catch {
                switch error {
                case .waiting: isWaiting = true
                case .failure(let failure): if failure.code == .unavailable { lacking.append(chunk.id) } else { failed = error }
                }
            }
        }
        if isWaiting { throw .waiting }
        if let failed { throw failed }
        return lacking
    }
}
