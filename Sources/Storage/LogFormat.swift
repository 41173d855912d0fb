import Chunks
import Primitives

/// The first 64 bytes of a log segment. Numbers are big-endian.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 8 | magic `ATOLWAL1` |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | zero |
/// | 16 | 8 | number of the segment, also in its file name |
/// | 24 | 8 | sequence of its first batch |
/// | 32 | 16 | cluster id |
/// | 48 | 8 | node id |
/// | 56 | 4 | zero |
/// | 60 | 4 | CRC-32C of bytes 0 … 59 |
struct LogSegmentHeader: Hashable {
    static let magic: UInt64 = 0x4154_4F4C_5741_4C31
    static let version: UInt32 = 1
    static let size = 64

    var number: UInt64
    var firstSequence: UInt64
    var identity: StorageIdentity

    /// In every batch of the segment, so that bytes of another one are never taken for its own.
    var salt: UInt32 {
        let mixed = SeededGenerator.mix(
            identity.cluster.high ^ SeededGenerator.mix(identity.cluster.low ^ SeededGenerator.mix(identity.node.rawValue)))
        return UInt32(truncatingIfNeeded: SeededGenerator.mix(mixed ^ number))
    }

    var bytes: [UInt8] {
        var out = [UInt8](repeating: 0, count: Self.size)
        out.withUnsafeMutableBytes { out in
            out.put(Self.magic, at: 0)
            out.put(Self.version, at: 8)
            out.put(number, at: 16)
            out.put(firstSequence, at: 24)
            out.put(identity.cluster.high, at: 32)
            out.put(identity.cluster.low, at: 40)
            out.put(identity.node.rawValue, at: 48)
            out.put(CRC32C.checksum(UnsafeRawBufferPointer(out).part(0, 60)), at: 60)
        }
        return out
    }

    init(number: UInt64, firstSequence: UInt64, identity: StorageIdentity) {
        self.number = number
        self.firstSequence = firstSequence
        self.identity = identity
    }

    init(_ bytes: UnsafeRawBufferPointer, path: String) throws(StorageError) {
        guard bytes.count >= Self.size, bytes.uint64(at: 0) == Self.magic else {
            throw .corrupt(path: path, offset: 0, what: "it is no log segment")
        }
        guard CRC32C.checksum(bytes.part(0, 60)) == bytes.uint32(at: 60) else {
            throw .corrupt(path: path, offset: 0, what: "the segment's header does not match its checksum")
        }
        let version = bytes.uint32(at: 8)
        guard version == Self.version else { throw .newerFormat(path: path, found: UInt64(version), supported: UInt64(Self.version)) }
        number = bytes.uint64(at: 16)
        firstSequence = bytes.uint64(at: 24)
        identity = StorageIdentity(
            cluster: ClusterID(high: bytes.uint64(at: 32), low: bytes.uint64(at: 40)), node: NodeID(bytes.uint64(at: 48)))
    }
}

/// A batch: the unit that is written and synced at once, hence the unit that a crash can tear. Batch n + 1
/// is written only after batch n is durable, so a sound batch behind a bad one proves that the bad one
/// has decayed; without one behind it, it was torn.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic `ALOG` |
/// | 4 | 4 | bytes of the records |
/// | 8 | 8 | sequence: one more than that of the batch before, across segments |
/// | 16 | 4 | count of records |
/// | 20 | 4 | salt of the segment, see below |
/// | 24 | 4 | zero |
/// | 28 | 4 | CRC-32C of bytes 0 … 27 and the records |
///
/// The salt is the low 32 bits of `mix(mix(high ^ mix(low ^ mix(node))) ^ number)`, with the words of the cluster id,
/// the node id, the segment's number, and the finaliser of SplitMix64 as `mix`.
///
/// Batches begin at multiples of eight, from offset 64 on. A record is 32 bytes and its payload, filled
/// with zeros to a multiple of eight:
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 1 | kind: 1 entry, 2 hard state, 3 truncate from, 4 compacted through, 5 group removed, 6 snapshot |
/// | 1 | 3 | zero |
/// | 4 | 4 | bytes of the payload |
/// | 8 | 8 | group |
/// | 16 | 8 | index (kinds 1, 3, 4), else 0 |
/// | 24 | 8 | term (kinds 1, 4), else 0 |
///
/// Replaying all records in order gives each group's state: an entry takes its index's place and removes
/// nothing else; kind 3 removes all entries from its index on; kind 4 those up to its index. Entries may come
/// again, identical, when their old segment is to be removed.
enum LogBatch {
    static let magic: UInt32 = 0x414C_4F47
    static let headerSize = 32
    static let recordHeaderSize = 32

    static func padded(_ count: Int) -> Int { (count + 7) & ~7 }

    /// Bytes of a record in a batch.
    static func size(of record: LogRecord) -> Int {
        switch record.kind {
        case .entry(_, _, let payload), .hardState(let payload), .snapshot(let payload): recordHeaderSize + padded(payload.count)
        case .truncateFrom, .compactedThrough, .groupRemoved: recordHeaderSize
        }
    }

    static func encode(_ records: [LogRecord], sequence: UInt64, salt: UInt32) -> [UInt8] {
        let size = records.reduce(0) { $0 + Self.size(of: $1) }
        var out = [UInt8](repeating: 0, count: headerSize + size)
        out.withUnsafeMutableBytes { out in
            var offset = headerSize
            for record in records {
                put(record, into: out, at: offset)
                offset += Self.size(of: record)
            }
            out.put(magic, at: 0)
            out.put(UInt32(size), at: 4)
            out.put(sequence, at: 8)
            out.put(UInt32(records.count), at: 16)
            out.put(salt, at: 20)
            out.put(checksum(UnsafeRawBufferPointer(out)), at: 28)
        }
        return out
    }

    private static func put(_ record: LogRecord, into out: UnsafeMutableRawBufferPointer, at offset: Int) {
        var payload: [UInt8] = []
        switch record.kind {
        case .entry(let index, let term, let bytes):
            out[offset] = 1
            out.put(index, at: offset + 16)
            out.put(term, at: offset + 24)
            payload = bytes
        case .hardState(let bytes):
            out[offset] = 2
            payload = bytes
        case .truncateFrom(let index):
            out[offset] = 3
            out.put(index, at: offset + 16)
        case .compactedThrough(let index, let term):
            out[offset] = 4
            out.put(index, at: offset + 16)
            out.put(term, at: offset + 24)
        case .groupRemoved: out[offset] = 5
        case .snapshot(let bytes):
            out[offset] = 6
            payload = bytes
        }
        out.put(UInt32(payload.count), at: offset + 4)
        out.put(record.group.rawValue, at: offset + 8)
        payload.withUnsafeBytes { source in
            UnsafeMutableRawBufferPointer(rebasing: out[(offset + recordHeaderSize)...]).copyMemory(from: source)
        }
    }

    private static func checksum(_ batch: UnsafeRawBufferPointer) -> UInt32 {
        CRC32C.update(CRC32C.checksum(batch.part(0, 28)), batch.part(headerSize, batch.count - headerSize))
    }

    /// The sound batch at the start of `bytes`, its sequence and size; nil where there is none.
    /// `checks` is false for a mutant only.
    static func sound(_ bytes: UnsafeRawBufferPointer, salt: UInt32, checks: Bool = true) -> (sequence: UInt64, size: Int)? {
        guard bytes.count >= headerSize, bytes.uint32(at: 0) == magic, bytes.uint32(at: 20) == salt else { return nil }
        let size = headerSize + Int(bytes.uint32(at: 4))
        guard size % 8 == 0, size <= bytes.count, !checks || checksum(bytes.part(0, size)) == bytes.uint32(at: 28) else { return nil }
        return (bytes.uint64(at: 8), size)
    }

    /// The records of a sound batch with their offsets and sizes in it; nil where they cannot be.
    static func records(_ batch: UnsafeRawBufferPointer) -> [(record: LogRecord, offset: Int, size: Int)]? {
        let count = Int(batch.uint32(at: 16))
        guard count * recordHeaderSize <= batch.count else { return nil }
        var records: [(record: LogRecord, offset: Int, size: Int)] = []
        records.reserveCapacity(count)
        var offset = headerSize
        for _ in 0..<count {
            guard batch.count - offset >= recordHeaderSize else { return nil }
            let length = Int(batch.uint32(at: offset + 4))
            let size = recordHeaderSize + padded(length)
            guard size <= batch.count - offset, let record = record(batch.part(offset, size), payload: length) else { return nil }
            records.append((record, offset, size))
            offset += size
        }
        return offset == batch.count ? records : nil
    }

    /// One record; `bytes` begins with it.
    static func record(_ bytes: UnsafeRawBufferPointer, payload length: Int) -> LogRecord? {
        let group = GroupID(bytes.uint64(at: 8))
        let index = bytes.uint64(at: 16)
        let term = bytes.uint64(at: 24)
        let payload = [UInt8](bytes.part(recordHeaderSize, length))
        switch bytes[0] {
        case 1: return LogRecord(group, .entry(index: index, term: term, payload: payload))
        case 2: return LogRecord(group, .hardState(payload))
        case 3: return LogRecord(group, .truncateFrom(index))
        case 4: return LogRecord(group, .compactedThrough(index: index, term: term))
        case 5: return LogRecord(group, .groupRemoved)
        case 6: return LogRecord(group, .snapshot(payload))
        default: return nil
        }
    }
}
