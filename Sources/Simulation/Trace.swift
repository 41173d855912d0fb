import Consensus
import Filesystem
import Membership
import NodeCore
import Primitives

/// What happened, as a hash: each event of each node with its time and the number of its effects, and
/// whatever else is noted. Equal for equal runs, in every process and build; and as text, where asked
/// for.
struct Trace {
    private(set) var hash: UInt64
    private let sink: ((String) -> Void)?
    var isWritten: Bool { sink != nil }

    init(seed: UInt64, sink: ((String) -> Void)?) {
        hash = SeededGenerator.mix(seed)
        self.sink = sink
    }

    mutating func fold(_ value: UInt64) { hash = SeededGenerator.mix(hash ^ value) &+ 0x9E37_79B9_7F4A_7C15 }

    mutating func note(_ event: Event, node: Int, at time: Int64) {
        fold(UInt64(bitPattern: time) ^ UInt64(node) << 52 ^ UInt64(event.code) << 40)
        if let sink { sink("\(time / 1_000) n\(node + 1) \(event.summary)") }
    }

    mutating func note(effects: Int) { fold(UInt64(effects)) }

    func line(_ time: Int64, _ text: @autoclosure () -> String) {
        if let sink { sink("\(time / 1_000) \(text())") }
    }
}

extension Event {
    /// A small number for each kind, for the trace's hash.
    var code: UInt8 {
        switch self {
        case .openSession: 1
        case .closeSession: 2
        case .operation: 3
        case .changeCatalog: 4
        case .abandoned: 5
        case .message(_, .raft, _): 6
        case .message(_, .call, _): 7
        case .message(_, .answer, _): 8
        case .peerConnected: 9
        case .peerLost: 10
        case .gossip: 11
        case .syncRequest: 12
        case .syncReply: 13
        case .syncFailed: 14
        case .timer(.raft, _): 15
        case .timer(.swim, _): 16
        case .timer(.sweep, _): 17
        case .timer(.housekeeping, _): 18
        case .logDurable: 19
        case .logFailed: 20
        case .snapshotSaved: 21
        case .snapshotReceived: 22
        case .snapshotSent: 23
        case .stageWritten: 24
        case .stageStored: 25
        case .stageFailed: 26
        case .bytesRead: 27
        case .bytesMissing: 28
        case .chunksPushed: 29
        case .chunksFetched: 30
        case .leave: 31
        case .timer(.fetches, _): 32
        case .timer(.upkeep, _): 33
        case .timer(.handOver, _): 34
        case .chunks: 35
        case .joinRequest: 36
        case .joinReply: 37
        case .handOver: 38
        }
    }

    /// One line for the event log.
    var summary: String {
        switch self {
        case .message(let from, .raft(let batch), _): "raft from \(from), \(batch.items.count) messages"
        case .message(let from, .call(let id, let call), _): "call \(id.rawValue) from \(from): \(call)".shortened
        case .message(let from, .answer(let id, let answer), _): "answer \(id.rawValue) from \(from): \(answer)".shortened
        case .gossip(let from, let packet): "gossip from \(from.port): \(packet.body)".shortened
        case .syncRequest(_, let payload): "sync from \(payload.sender)"
        case .syncReply(_, let payload): "sync reply from \(payload.sender)"
        case .snapshotReceived(let group, let metadata, _): "snapshot of \(group) received: \(metadata)"
        default: "\(self)".shortened
        }
    }
}

extension String {
    var shortened: String { utf8.count <= 200 ? self : String(prefix(200)) + "…" }
}
