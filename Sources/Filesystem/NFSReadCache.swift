package import Primitives

/// The page cache of a node's NFS clients: ranges of files as READ gave them, by session and inode.
///
/// *What a kept range is.* It was read after the file was known to have the change attribute of its
/// record. These only grow (RFC 8881 §5.8.1.4), so an open that sees the same value proves that the
/// range is still what the file holds; one that sees a greater value ends all ranges (close-to-open,
/// RFC 8881 §10.3.1). Without being asked for again, a range is believed for as long as attributes are.
///
/// *Reads under way.* What ends a record's ranges also gives it another epoch: a READ that was sent
/// before is not kept when it is answered.
///
/// *Bounds.* `byteLimit` and `rangeLimit` for all sessions together; what was not used for longest goes
/// first. A search passes over at most `rangeLimit` ranges. A file has a record while it has ranges or reads
/// under way, so there are no more records than ranges and requests.
package struct NFSReadCache: Sendable {
    /// Bytes kept, of all sessions of a node.
    package static let byteLimit: UInt64 = 64 << 20
    /// Ranges kept, of all sessions of a node.
    package static let rangeLimit = 256

    package struct File: Hashable, Sendable {
        let session: SessionID
        let inode: InodeID
        package init(_ session: SessionID, _ inode: InodeID) {
            self.session = session
            self.inode = inode
        }
    }

    /// A READ under way, from `begin` to `end`.
    package struct Ticket: Sendable {
        let file: File
        let epoch: UInt64
    }

    /// Where the bytes of a read are: nil where there are none, at the file's end.
    package struct Hit: Sendable, Equatable {
        package let buffer: BufferID?
        package let offset: UInt32
        package let length: UInt32
        package let endOfFile: Bool

        package init(buffer: BufferID?, offset: UInt32, length: UInt32, endOfFile: Bool) {
            self.buffer = buffer
            self.offset = offset
            self.length = length
            self.endOfFile = endOfFile
        }
    }

    private struct Record {
        var change: UInt64
        var epoch: UInt64
        var confirmed: Instant
        var reads = 0
        var ranges = 0
    }

    private struct Range {
        let file: File
        let start: UInt64
        let end: UInt64
        let buffer: BufferID?
        let endsFile: Bool
        let read: Instant

        /// What a read gets of it; nil unless all that the read asks for lies here.
        func hit(_ offset: UInt64, _ length: UInt32) -> Hit? {
            guard offset >= start, endsFile || offset <= end && UInt64(length) <= end - offset else { return nil }
            guard offset < end else { return Hit(buffer: nil, offset: 0, length: 0, endOfFile: endsFile) }
            let count = min(UInt64(length), end - offset)
            return Hit(buffer: buffer, offset: UInt32(offset - start), length: UInt32(count), endOfFile: endsFile && offset + count == end)
        }
    }

    private var records: [File: Record] = [:]
    /// The least recently used first.
    private var ranges: [Range] = []
    private var nextEpoch: UInt64 = 1
    /// Kept now, in bytes.
    package private(set) var bytes: UInt64 = 0

    package init() {}

    /// Ranges kept now.
    package var count: Int { ranges.count }
    /// Buffers that they hold.
    package var buffers: Int { ranges.reduce(0) { $0 + ($1.buffer == nil ? 0 : 1) } }

    /// A read that can be served from what was read or confirmed within `lifetime`.
    package mutating func find(_ file: File, offset: UInt64, length: UInt32, now: Instant, lifetime: Duration) -> Hit? {
        guard let record = records[file], record.ranges > 0 else { return nil }
        for position in ranges.indices.reversed() where ranges[position].file == file {
            let range = ranges[position]
            guard max(range.read, record.confirmed) + lifetime > now, let hit = range.hit(offset, length) else { continue }
            ranges.remove(at: position)
            ranges.append(range)
            return hit
        }
        return nil
    }

    /// A READ is sent; `change` is what the file's change attribute is known to be at least.
    package mutating func begin(_ file: File, change: UInt64) -> Ticket {
        let record = records[file] ?? Record(change: change, epoch: makeEpoch(), confirmed: .zero)
        records[file] = record
        records[file]!.reads += 1
        return Ticket(file: file, epoch: record.epoch)
    }

    /// The READ is over, however it ended.
    package mutating func end(_ ticket: Ticket) {
        records[ticket.file]?.reads -= 1
        forgetIfUnused(ticket.file)
    }

    /// Keeps what a READ gave; false where its file has changed meanwhile. Ranges that it covers, and those
    /// beyond the bounds, are given up into `dropped`.
    package mutating func keep(
        _ ticket: Ticket, offset: UInt64, length: UInt32, buffer: BufferID?, endsFile: Bool, now: Instant, dropped: inout [BufferID]
    ) -> Bool {
        guard records[ticket.file]?.epoch == ticket.epoch, length > 0 || endsFile, (length == 0) == (buffer == nil) else { return false }
        let range = Range(
            file: ticket.file, start: offset, end: offset + UInt64(length), buffer: buffer, endsFile: endsFile, read: now)
        remove(into: &dropped) { $0.file == range.file && $0.start >= range.start && $0.end <= range.end }
        ranges.append(range)
        records[ticket.file]!.ranges += 1
        bytes += UInt64(length)
        while ranges.count > Self.rangeLimit || bytes > Self.byteLimit { removeFirst(into: &dropped) }
        return true
    }

    /// Attributes of the file came from the server.
    package mutating func confirm(_ file: File, change: UInt64, now: Instant, dropped: inout [BufferID]) {
        guard let record = records[file] else { return }
        if change > record.change {
            drop(file, dropped: &dropped)
            records[file]?.change = change
        } else if change == record.change {
            records[file]!.confirmed = now
        }
    }

    /// The file is written, locked or removed by its own session.
    package mutating func drop(_ file: File, dropped: inout [BufferID]) {
        guard records[file] != nil else { return }
        records[file]!.epoch = makeEpoch()
        if records[file]!.ranges > 0 { remove(into: &dropped) { $0.file == file } }
        forgetIfUnused(file)
    }

    /// The session has ended; its reads under way are kept no more, since their requests fail.
    package mutating func drop(_ session: SessionID, dropped: inout [BufferID]) { remove(into: &dropped) { $0.file.session == session } }

    private mutating func makeEpoch() -> UInt64 {
        defer { nextEpoch += 1 }
        return nextEpoch
    }

    private mutating func remove(into dropped: inout [BufferID], where isOver: (Range) -> Bool) {
        var kept: [Range] = []
        kept.reserveCapacity(ranges.count)
        var over: [Range] = []
        for range in ranges { if isOver(range) { over.append(range) } else { kept.append(range) } }
        guard !over.isEmpty else { return }
        ranges = kept
        for range in over { account(range, into: &dropped) }
    }

    private mutating func removeFirst(into dropped: inout [BufferID]) { account(ranges.removeFirst(), into: &dropped) }

    private mutating func account(_ range: Range, into dropped: inout [BufferID]) {
        bytes -= range.end - range.start
        if let buffer = range.buffer { dropped.append(buffer) }
        records[range.file]?.ranges -= 1
        forgetIfUnused(range.file)
    }

    private mutating func forgetIfUnused(_ file: File) {
        if let record = records[file], record.ranges <= 0, record.reads <= 0 { records[file] = nil }
    }
}
