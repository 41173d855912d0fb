import Consensus
import Filesystem
import NodeCore
import Primitives

/// Sizes on the wire, close enough for the network model and much cheaper than encoding.
extension Message {
    var approximateBytes: Int64 {
        switch self {
        case .raft(let batch): batch.items.reduce(60) { $0 + $1.message.approximateBytes }
        case .call(_, .propose(_, let envelope)): Int64(100 + envelope.count)
        case .call(_, .compound(let compound, _)): Int64(160 + 60 * compound.requests.count)
        case .call: 120
        case .answer(_, .compound(let results)): results.reduce(80) { $0 + $1.approximateBytes }
        case .answer(_, .applied(_, let result)): Int64(80 + result.count)
        case .answer: 80
        }
    }

    /// For a mutant: a proposal that cannot be told from one made anew.
    var withoutStamp: Message {
        guard case .call(let id, .propose(let group, let envelope)) = self, group != .catalog,
            let command = try? FilesCommand(xdr: envelope)
        else { return self }
        return .call(id, .propose(group, envelope: FilesCommand(stamp: nil, at: command.at, body: command.body).xdrBytes))
    }
}

extension RaftMessage {
    fileprivate var approximateBytes: Int64 {
        switch self {
        case .append(let append): append.entries.reduce(60) { $0 + Int64($1.size) }
        case .heartbeat, .ack: 16
        default: 48
        }
    }
}

extension FileResult {
    fileprivate var approximateBytes: Int64 {
        switch self {
        case .entries(let entries, _): Int64(16 + 140 * entries.count)
        case .bytes(let bytes): Int64(8 + bytes.count)
        default: 120
        }
    }
}
