import Primitives
import Replication
import Testing

/// A world around the machines: transfers take time, fail, lose chunks, or hang, by chance.
@Suite struct MachineRandomTests {
    private struct Pending: Comparable {
        let at: Instant
        let order: Int
        let transfer: ChunkTransferID
        let chunks: [ChunkID]
        /// What happens: 0 all come, 1 some come and the rest is missing, 2 it breaks off.
        let fate: Int
        static func < (a: Pending, b: Pending) -> Bool { (a.at, a.order) < (b.at, b.order) }
    }

    /// Every waiter ends exactly once: done with every chunk here, or failed for a stated reason; a
    /// source that always answers makes all of them succeed.
    @Test(arguments: 1...30) func everyFetchEnds(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var settings = FetchSettings()
        settings.transfersPerSource = 1 + generator.below(3)
        settings.batchChunks = 1 + generator.below(6)
        settings.maximumAttempts = 4 + generator.below(8)
        var machine = ChunkFetches(settings: settings)
        let hasReliable = generator.below(2) == 0
        let failing = generator.below(60)
        let names = (0..<60).map { chunk("c\($0)", length: UInt32(1_000 + $0)) }
        var here: [ChunkID] = []
        var asked: [UInt64: [ChunkID]] = [:]
        var ended: [UInt64: Bool] = [:]
        var events: [Pending] = []
        var now = Instant.zero
        var order = 0
        var nextWaiter: UInt64 = 1

        func absorb(_ effects: [FetchEffect]) {
            for effect in effects {
                switch effect {
                case .fetch(let id, let node, let chunks):
                    order += 1
                    #expect(chunks.count <= settings.batchChunks)
                    let isReliable = hasReliable && node == NodeID(3)
                    let hangs = !isReliable && generator.below(100) < failing / 3
                    guard !hangs else { continue }
                    let fate = isReliable || generator.below(100) >= failing ? 0 : 1 + generator.below(2)
                    events.append(
                        Pending(
                            at: now + .milliseconds(1 + generator.below(isReliable ? 50 : 400)), order: order, transfer: id,
                            chunks: chunks.map(\.id), fate: fate))
                case .cancel(let id): events.removeAll { $0.transfer == id && generator.below(2) == 0 }
                case .done(let waiter, _):
                    #expect(ended.updateValue(true, forKey: waiter.rawValue) == nil, "ended twice")
                    #expect(asked[waiter.rawValue]?.allSatisfy(here.contains) ?? false, "done without its chunks")
                case .failed(let waiter, let failure):
                    #expect(ended.updateValue(false, forKey: waiter.rawValue) == nil, "ended twice")
                    #expect(failure.cause == .exhausted || failure.cause == .deadline)
                    #expect(!failure.tried.isEmpty, "\(failure) says nothing of what was tried")
                }
            }
        }

        func step(_ event: FetchEvent) {
            if case .arrived(_, let chunks) = event { here += chunks.map(\.id) }
            var effects: [FetchEffect] = []
            machine.handle(event, now: now, into: &effects)
            absorb(effects)
            machine.checkInvariants()
        }

        for round in 0..<4_000 {
            if nextWaiter <= 40, round % 7 == 0 {
                let wanted = (0..<1 + generator.below(8)).map { _ in names[generator.below(names.count)] }.filter { !here.contains($0.id) }
                asked[nextWaiter] = wanted.map(\.id)
                let sources = [1, 2, 3].map {
                    FetchSource(node: NodeID($0), link: RegionLink(roundTrip: .milliseconds($0 == 3 ? 80 : 1)), isWideArea: $0 == 3)
                }
                step(
                    .request(ChunkWaiterID(nextWaiter), wanted.map { FetchWant(chunk: $0, sources: sources) }, deadline: now + .seconds(30))
                )
                nextWaiter += 1
                continue
            }
            events.sort()
            guard let first = events.first ?? nil, first.at <= machine.nextWakeup ?? .distantFuture else {
                guard let at = machine.nextWakeup else {
                    if nextWaiter > 40 { break }
                    continue
                }
                now = max(now, at)
                step(.tick)
                continue
            }
            events.removeFirst()
            now = max(now, first.at)
            let came = first.chunks.map { FetchedChunk($0, sentBytes: 500) }
            switch first.fate {
            case 0: step(.arrived(first.transfer, came))
            case 1:
                let half = first.chunks.count / 2
                if half > 0 { step(.arrived(first.transfer, Array(came[..<half]))) }
                step(.missing(first.transfer, Array(first.chunks[half...]), reason: "not held"))
            default: step(.ended(first.transfer, failure: "connection reset"))
            }
            if generator.below(200) == 0 { step(.nodeLost(NodeID(UInt64(1 + generator.below(2))))) }
        }
        #expect(machine.isIdle && machine.flightCount == 0 && machine.transferCount == 0)
        #expect(ended.count == 40)
        if hasReliable { #expect(ended.values.allSatisfy { $0 }, "a reliable source, and yet \(ended.values.count { !$0 }) failed") }
    }
}
