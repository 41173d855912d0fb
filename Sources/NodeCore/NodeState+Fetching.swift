import Filesystem
import Membership
import Primitives
import Replication

// Reading content: from what is here, and where something is missing or has decayed, from whoever
// has it. Fetches of all requests go through one machine: one flight for each chunk, batches, hedges
// and other sources are its business (`ChunkFetches`).

extension NodeState {
    /// Bytes of a file as a buffer; chunks that are not here are fetched first, all of them together,
    /// and waits for another region are counted.
    mutating func readBytes(
        _ extents: [Extent], under: [UInt8], offset: UInt64, length: UInt32, of group: GroupID, number: Int,
        _ progress: inout RequestProgress
    ) throws(Interrupt) -> Payload {
        var attempt = 0
        while true {
            let place = Step(.read, number * 64 + attempt)
            let value = try step(place, &progress) { node, token in
                node.laterEffects.append(.readExtents(extents, under: under, offset: offset, length: length, token))
            }
            switch value {
            case .bytes(let payload): return payload
            case .missing(let chunks):
                let references = chunks.compactMap { id in extents.first { $0.chunk.id == id }?.chunk }
                try fetch(references, of: group, number: number * 64 + attempt, &progress)
                attempt += 1
                guard attempt < 4 else {
                    throw .failure(
                        FileFailure(.ioError, operation: "read", object: "chunk \(chunks[0].hex)", cause: "it vanishes as it is fetched"))
                }
            default: preconditionFailure("a read ended as \(value)")
            }
        }
    }

    /// Waits until these chunks are here.
    mutating func fetch(_ chunks: [ChunkReference], of group: GroupID, number: Int, _ progress: inout RequestProgress) throws(Interrupt) {
        _ = try step(Step(.fetch, number), &progress) { node, token in
            let wants = node.wants(chunks, of: group)
            // The request that asks is being run; what ends at once ends after it.
            node.driveFetches(.request(ChunkWaiterID(token.rawValue), wants, deadline: node.currentDeadline)) { state, token, value, _ in
                state.laterEnds.append((token, value))
            }
        }
    }

    /// Where each chunk may be had: nodes that placement wants it on, nearest first, then the other
    /// replicas of the file system, which may have kept what they read, and the nodes beside them: all
    /// members in the end, each once.
    private func wants(_ chunks: [ChunkReference], of group: GroupID) -> [FetchWant] {
        guard let record = catalog.filesystem(of: group) else { return chunks.map { FetchWant(chunk: $0, sources: []) } }
        var table = regionTable()
        let here = settings.region
        for region in table.regions where region != here {
            // Nobody has measured throughput: 4 MiB each round trip is what a few flows of bulk transfer carry.
            let roundTrip = table.roundTrip(here, region)
            let rate = UInt64(4 << 20) * 1_000_000 / UInt64(max(1, roundTrip.inNanoseconds / 1_000))
            table.setLink(here, region, RegionLink(roundTrip: roundTrip, bytesPerSecond: min(rate, 125_000_000)))
        }
        let placement = ChunkPlacement(plan: record.plan, policy: record.policy, table: table)
        let plan = FetchPlan(reader: settings.id, placement: placement, table: table)
        var others: [FetchSource] = []
        for region in table.nearestFirst(from: here) {
            // One that drains, or had a replica under an earlier plan, may still hold it.
            let replicas = record.plan.replicas.filter { $0.region == region }.map(\.node)
            let rest = table.nodes(in: region).map(\.id).filter { !replicas.contains($0) }
            for node in replicas + rest where node != settings.id {
                others.append(FetchSource(node: node, link: table.link(here, region), isWideArea: region != here))
            }
        }
        return chunks.map { chunk in
            var sources = plan.sources(of: chunk.id)
            sources += others.filter { other in !sources.contains { $0.node == other.node } }
            return FetchWant(chunk: chunk, sources: sources)
        }
    }

    // MARK: The machine

    /// Hands an event to the fetches. Requests that end by it go on.
    mutating func driveFetches(_ event: FetchEvent) {
        driveFetches(event) { state, token, value, cost in state.resolve(token, value, cost: cost) }
    }

    private mutating func driveFetches(_ event: FetchEvent, end: (inout NodeState, WaitToken, StepValue, OperationCost) -> Void) {
        var out: [FetchEffect] = []
        fetches.handle(event, now: now, into: &out)
        for effect in out {
            switch effect {
            case .fetch(let id, let node, let chunks):
                let token = requests.makeToken()
                transfers[token] = id
                transferTokens[id] = token
                laterEffects.append(.fetchChunks(chunks, from: node, token))
            case .cancel(let id):
                guard let token = transferTokens.remove(id) else { continue }
                _ = transfers.remove(token)
                laterEffects.append(.chunks(.cancelFetch(token)))
            case .done(let waiter, let costs):
                counters.chunksFetchedFromAfar += UInt64(costs.chunksFromAfar)
                end(&self, WaitToken(waiter.rawValue), .done, OperationCost(costs))
            case .failed(let waiter, let failure):
                end(&self, WaitToken(waiter.rawValue), .failed(FileFailure(failure)), OperationCost())
            }
        }
    }

    /// A part of a transfer is here. One that was cancelled may go on bringing something.
    mutating func chunksArrived(_ token: WaitToken, _ chunks: [FetchedChunk]) {
        guard let id = transfers[token] else {
            driveFetches(.present(chunks.map(\.id)))
            return
        }
        driveFetches(.arrived(id, chunks))
    }

    /// A transfer is over; what it was asked for and is not missing is here.
    mutating func fetchEnded(_ token: WaitToken, missing: [ChunkID]) {
        guard let id = transfers.remove(token) else { return }
        _ = transferTokens.remove(id)
        let lacking = Set(missing)
        let here = fetches.pending(id).filter { !lacking.contains($0) }
        if !here.isEmpty { driveFetches(.arrived(id, here.map { FetchedChunk($0, sentBytes: 0) })) }
        if !missing.isEmpty { driveFetches(.missing(id, missing, reason: "it gave no intact copy")) }
        driveFetches(.ended(id, failure: nil))
    }

    mutating func armFetches(into effects: inout [Effect]) {
        let wakeup = fetches.nextWakeup
        guard wakeup != fetchesArmed else { return }
        fetchesArmed = wakeup
        if let wakeup {
            effects.append(.startTimer(.fetches, generation: 0, at: wakeup))
        } else {
            effects.append(.cancelTimer(.fetches))
        }
    }
}

extension OperationCost {
    init(_ costs: FetchCosts) {
        self.init(
            wideAreaRoundTrips: UInt32(clamping: costs.wideAreaRoundTrips), wideAreaBytes: costs.wideAreaBytes,
            chunksFromRegion: UInt32(clamping: costs.chunksFromRegion), chunksFromAfar: UInt32(clamping: costs.chunksFromAfar))
    }
}

extension FileFailure {
    init(_ failure: FetchFailure) {
        let hint = failure.cause == .busy ? "try again" : "bring its holders back, or run `atoll check`"
        self.init(
            failure.cause == .busy ? .overloaded : .unavailable, operation: "read",
            object: failure.chunk.map { "chunk \($0.hex)" } ?? "content", cause: failure.words, hint: hint)
    }
}

extension FetchFailure {
    /// As `description`, without the name of the chunk.
    var words: String {
        let list = tried.map { "\($0.node) \($0.reason)" }.joined(separator: ", ")
        return switch cause {
        case .noSource: "no node is known to hold it"
        case .exhausted: "no node gave an intact copy (\(list))"
        case .deadline: "it did not come in time (\(list.isEmpty ? "waiting for the first node" : list))"
        case .busy: "too many chunks are being fetched already"
        }
    }
}
