import Primitives

/// The form of a file system in a Raft snapshot: a sequence of pieces of at most 1 MiB.
///
/// A piece is XDR: the number 0x41544e53 ("ATNS"), the version of the format (1), the number of the
/// piece from 0, and items to its end. An item is a tag and its body:
///
/// | tag | item | body |
/// |---|---|---|
/// | 1 | header | settings, next inode, last change counter, last conflict id, whether it is a session |
/// | 2 | record | key and value of the live tree, ascending |
/// | 3 | reference | inode, owner, count |
/// | 4 | conflict | a conflict record, oldest first |
/// | 5 | version | id, time, info, digest, files, bytes; newest first |
/// | 6 | delta | a key, and the value there in the version before it, or none; after its version |
/// | 7 | end | the namespace digest |
///
/// The newest version is written as its difference from the live tree, each older one as its
/// difference from the next newer: the whole is as large as the live tree and what ever changed.
enum SnapshotItem: UInt32 {
    case header = 1
    case record = 2
    case reference = 3
    case conflict = 4
    case version = 5
    case delta = 6
    case end = 7

    static let magic: UInt32 = 0x4154_4e53
    static let formatVersion: UInt32 = 1
}

/// Why a snapshot was refused.
package struct SnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which piece, from 0.
    package let piece: Int
    package let cause: String
    package var description: String {
        "namespace snapshot, piece \(piece): \(cause); fetch the snapshot from another replica"
    }
}

/// Writes a snapshot piece by piece. It holds the state as it was; encoding may take its time while
/// the live state goes on.
package struct SnapshotEncoder: Sendable {
    /// No item is larger than this leaves room for in a piece of 1 MiB.
    private static let target = 800 * 1_024

    private enum Phase {
        case header
        case records(NamespaceTree.Records.Iterator)
        case references(SortedMap<ReferenceKey, ReferenceCount>.Iterator)
        case conflicts(Int)
        case version(Int)
        case deltas(Int, NamespaceTree.Records.Differences)
        case end
        case done
    }

    private let state: NamespaceState
    private let target: Int
    private var phase = Phase.header
    private var piece: UInt32 = 0

    /// `target` is where a piece ends, in bytes; an item may pass it by 200 KiB.
    package init(_ state: NamespaceState, target: Int? = nil) {
        self.state = state
        self.target = min(target ?? Self.target, Self.target)
    }

    /// The next piece; nil after the last.
    package mutating func next() -> [UInt8]? {
        if case .done = phase { return nil }
        var writer = XDRWriter(reserving: target + 1_024)
        writer.write(SnapshotItem.magic)
        writer.write(SnapshotItem.formatVersion)
        writer.write(piece)
        piece += 1
        while writer.bytes.count < target {
            if case .done = phase { break }
            step(&writer)
        }
        return writer.bytes
    }

    private mutating func step(_ writer: inout XDRWriter) {
        switch phase {
        case .header:
            writeHeader(&writer)
            phase = .records(state.tree.records.makeIterator())
        case .records(var iterator):
            phase = .done
            let entry = iterator.next()
            if let entry { Self.write(.record, entry.key, entry.value, &writer) }
            phase = entry == nil ? .references(state.references.byInode.makeIterator()) : .records(iterator)
        case .references(var iterator):
            guard let (key, count) = iterator.next() else {
                phase = .conflicts(0)
                return
            }
            Self.write(.reference, key, count, &writer)
            phase = .references(iterator)
        case .conflicts(let index):
            guard index < state.conflictLog.records.count else {
                phase = .version(state.history.versions.count - 1)
                return
            }
            writer.write(SnapshotItem.conflict.rawValue)
            writer.write(state.conflictLog.records[index])
            phase = .conflicts(index + 1)
        case .version(let index):
            guard index >= 0 else {
                phase = .end
                return
            }
            let versions = state.history.versions
            writer.write(SnapshotItem.version.rawValue)
            versions[index].encodeHeader(to: &writer)
            let newer = index + 1 < versions.count ? versions[index + 1].tree : state.tree
            phase = .deltas(index, versions[index].tree.records.differences(from: newer.records))
        case .deltas(let index, var differences):
            phase = .done
            let difference = differences.next()
            if let difference { Self.write(difference, &writer) }
            phase = difference == nil ? .version(index - 1) : .deltas(index, differences)
        case .end:
            writer.write(SnapshotItem.end.rawValue)
            writer.write(state.namespaceDigest)
            phase = .done
        case .done: break
        }
    }

    private func writeHeader(_ writer: inout XDRWriter) {
        writer.write(SnapshotItem.header.rawValue)
        writer.write(state.settings)
        writer.write(state.nextInode)
        writer.write(state.lastChange)
        writer.write(state.conflictLog.lastID)
        writer.write(state.isSession)
    }

    private static func write(_ item: SnapshotItem, _ key: some XDRCodable, _ value: some XDRCodable, _ writer: inout XDRWriter) {
        writer.write(item.rawValue)
        writer.write(key)
        writer.write(value)
    }

    private static func write(_ difference: NamespaceTree.Records.Difference, _ writer: inout XDRWriter) {
        writer.write(SnapshotItem.delta.rawValue)
        writer.write(difference.key)
        writer.write(difference.new)
    }
}
