package import Primitives

// The wire form: a word whose lowest byte is the kind and whose upper bytes are the version, then
// the fields in the order of their declaration.

extension RaftMessage: XDRCodable {
    static let version: UInt32 = 1
    /// More entries than this in one append are refused by the decoder.
    package static let entryLimit = 65_536

    private var kind: UInt32 {
        switch self {
        case .append: 1
        case .heartbeat: 2
        case .ack: 3
        case .reject: 4
        case .vote: 5
        case .voteReply: 6
        case .timeoutNow: 7
        case .readRequest: 8
        case .readReply: 9
        case .wake: 10
        }
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.version << 8 | kind)
        switch self {
        case .append(let append):
            writer.write(append.term)
            writer.write(append.previousIndex)
            writer.write(append.previousTerm)
            writer.write(append.commit)
            writer.write(append.stamp)
            writer.write(append.lease)
            writer.write(append.entries)
        case .heartbeat(let beat):
            writer.write(beat.term)
            writer.write(beat.commit)
            writer.write(beat.stamp)
            writer.write(beat.lease)
            writer.write(beat.quiesce)
        case .ack(let ack):
            writer.write(ack.term)
            writer.write(ack.stamp)
            writer.write(ack.match)
            writer.write(ack.received)
        case .reject(let reject):
            writer.write(reject.term)
            writer.write(reject.stamp)
            writer.write(reject.previousIndex)
            writer.write(reject.hintIndex)
            writer.write(reject.hintTerm)
        case .vote(let vote):
            writer.write(vote.term)
            writer.write(vote.lastIndex)
            writer.write(vote.lastTerm)
            writer.write(vote.isPre)
            writer.write(vote.isTransfer)
        case .voteReply(let reply):
            writer.write(reply.term)
            writer.write(reply.isPre)
            writer.write(reply.granted)
        case .timeoutNow(let term, let lastIndex):
            writer.write(term)
            writer.write(lastIndex)
        case .readRequest(let request): writer.write(request)
        case .readReply(let request, let index, let ok):
            writer.write(request)
            writer.write(index)
            writer.write(ok)
        case .wake(let term): writer.write(term)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let word = try reader.uint32()
        guard word >> 8 == Self.version else { throw .badValue(what: "version of a raft message", value: UInt64(word >> 8)) }
        switch word & 0xff {
        case 1: self = .append(try Append(from: &reader))
        case 2:
            self = .heartbeat(
                Heartbeat(
                    term: try reader.term(), commit: try reader.uint64(), stamp: try reader.uint64(), lease: try reader.uint32(),
                    quiesce: try reader.bool()))
        case 3:
            self = .ack(
                Ack(term: try reader.term(), stamp: try reader.uint64(), match: try reader.uint64(), received: try reader.uint64()))
        case 4:
            self = .reject(
                Reject(
                    term: try reader.term(), stamp: try reader.uint64(), previousIndex: try reader.uint64(),
                    hintIndex: try reader.uint64(), hintTerm: try reader.uint64()))
        case 5:
            self = .vote(
                VoteRequest(
                    term: try reader.term(), lastIndex: try reader.uint64(), lastTerm: try reader.uint64(), isPre: try reader.bool(),
                    isTransfer: try reader.bool()))
        case 6: self = .voteReply(VoteReply(term: try reader.term(), isPre: try reader.bool(), granted: try reader.bool()))
        case 7: self = .timeoutNow(term: try reader.term(), lastIndex: try reader.uint64())
        case 8: self = .readRequest(request: try reader.uint64())
        case 9: self = .readReply(request: try reader.uint64(), index: try reader.uint64(), ok: try reader.bool())
        case 10: self = .wake(term: try reader.term())
        case let other: throw .badValue(what: "kind of raft message", value: UInt64(other))
        }
    }
}

extension RaftMessage.Append {
    /// Entries must follow each other and the entry before them: what is in memory as an append
    /// needs no further checks of its shape.
    init(from reader: inout XDRReader) throws(XDRError) {
        term = try reader.term()
        previousIndex = try reader.uint64()
        previousTerm = try reader.uint64()
        commit = try reader.uint64()
        stamp = try reader.uint64()
        lease = try reader.uint32()
        guard previousIndex < .max - UInt64(RaftMessage.entryLimit), previousTerm <= term else {
            throw .badValue(what: "place in a log", value: previousIndex)
        }
        let count = try reader.count(limit: RaftMessage.entryLimit, minimumSize: 24)
        entries = []
        entries.reserveCapacity(count)
        var last = (index: previousIndex, term: previousTerm)
        for _ in 0..<count {
            let entry = try RaftEntry(from: &reader)
            guard entry.index == last.index + 1, entry.term >= last.term, entry.term <= term else {
                throw .badValue(what: "next entry of an append", value: entry.index)
            }
            if entry.kind == .configuration { _ = try RaftConfiguration(xdr: entry.payload) }
            last = (entry.index, entry.term)
            entries.append(entry)
        }
    }
}

extension RaftMessage {
    /// No cluster lives to see this term; a greater one is damage, and must not be adopted.
    static let termLimit: UInt64 = 1 << 62

    static func check(term: UInt64) throws(XDRError) -> UInt64 {
        guard term < termLimit else { throw .badValue(what: "term", value: term) }
        return term
    }
}

extension XDRReader {
    fileprivate mutating func term() throws(XDRError) -> UInt64 { try RaftMessage.check(term: try uint64()) }
}
