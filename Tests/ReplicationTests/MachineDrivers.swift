import Primitives
import Replication
import TestSupport

/// Names of chunks that a script has used, for output.
struct ChunkNames {
    private var names: [ChunkID: String] = [:]
    mutating func reference(_ word: String) -> ChunkReference {
        let parts = word.split(separator: "+")
        let reference = chunk(String(parts[0]), length: parts.count > 1 ? UInt32(parts[1]) ?? 0 : 1_000)
        names[reference.id] = String(parts[0])
        return reference
    }
    func name(_ id: ChunkID) -> String { names[id] ?? "?" }
    func list(_ chunks: [ChunkReference]) -> String { chunks.map { name($0.id) }.joined(separator: " ") }
}

/// Drives `ChunkFetches`. Nodes 1...9 are near (1 ms), 10 and up far (100 ms).
struct FetchDriver {
    private var machine = ChunkFetches()
    private var names = ChunkNames()
    private var now = Instant.zero

    mutating func run(_ command: ScriptCommand) throws -> String {
        if let at = command.value("at").flatMap({ Int64($0) }) { now = Instant(nanoseconds: at * 1_000_000) }
        let transfer = ChunkTransferID(UInt64(try command.integer("transfer", default: 0)))
        let chunks = command.list("chunks").map { names.reference($0) }
        let event: FetchEvent
        switch command.name {
        case "settings":
            var settings = FetchSettings()
            settings.transfersPerSource = try command.integer("transfers", default: 4)
            settings.batchChunks = try command.integer("batch", default: 128)
            settings.batchBytes = UInt64(try command.integer("bytes", default: 4 << 20))
            settings.rounds = try command.integer("rounds", default: 3)
            settings.maximumFlights = try command.integer("flights", default: 65_536)
            machine = ChunkFetches(settings: settings)
            return "ok"
        case "request":
            let sources = command.list("from").compactMap { UInt64($0) }.map { number in
                FetchSource(
                    node: NodeID(number), link: RegionLink(roundTrip: .milliseconds(number < 10 ? 1 : 100)), isWideArea: number >= 10)
            }
            event = .request(
                ChunkWaiterID(UInt64(try command.integer("waiter"))), chunks.map { FetchWant(chunk: $0, sources: sources) },
                deadline: now + .milliseconds(try command.integer("within", default: 60_000)))
        case "arrived": event = .arrived(transfer, chunks.map { FetchedChunk($0.id, sentBytes: $0.length / 2) })
        case "missing": event = .missing(transfer, chunks.map(\.id), reason: "not held")
        case "ended": event = .ended(transfer, failure: command.value("failure"))
        case "present": event = .present(chunks.map(\.id))
        case "cancel": event = .cancel(ChunkWaiterID(UInt64(try command.integer("waiter"))))
        case "lost": event = .nodeLost(NodeID(UInt64(try command.integer("node"))))
        case "tick": event = .tick
        default: throw ScriptError(file: command.file, line: command.line, reason: "unknown command \(command.name)")
        }
        var effects: [FetchEffect] = []
        machine.handle(event, now: now, into: &effects)
        machine.checkInvariants()
        var lines = effects.map(describe)
        if let at = machine.nextWakeup { lines.append("next \((at - .zero).inNanoseconds / 1_000_000) ms") }
        return lines.joined(separator: "\n")
    }

    private func describe(_ effect: FetchEffect) -> String {
        switch effect {
        case .fetch(let id, let node, let chunks): "\(id) fetch from \(node): \(names.list(chunks))"
        case .cancel(let id): "\(id) cancel"
        case .done(let waiter, let costs):
            "\(waiter) done: \(costs.chunksFromRegion)+\(costs.chunksFromAfar) chunks, \(costs.wideAreaBytes) far bytes, \(costs.wideAreaRequests) far requests, \(costs.wideAreaRoundTrips) far round trips"
        case .failed(let waiter, let failure):
            "\(waiter) failed, \(failure.cause): \(failure.chunk.map(names.name) ?? "-") \(failure.tried.map { "\($0.node) \($0.reason)" })"
        }
    }
}
