package import Primitives

/// One record of the write-ahead log: something that a group must remember.
package struct LogRecord: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// An entry of the group's log. Its index is the group's last plus one, or replaces an entry;
        /// where the terms differ, all entries behind the replaced one go with it. One that a snapshot covers is passed over.
        case entry(index: UInt64, term: UInt64, payload: [UInt8])
        /// Replaces the group's term, vote and commit index, as opaque bytes.
        case hardState([UInt8])
        /// Removes the entries from this index on.
        case truncateFrom(UInt64)
        /// A snapshot covers everything up to and including this index: the entries there may go. Entries
        /// behind it stay, unless the log has an entry of another term at the index: then they are of another history, and go.
        case compactedThrough(index: UInt64, term: UInt64)
        /// The group is no longer on this node: everything of it goes.
        case groupRemoved
        /// Replaces what the group remembers about its latest snapshot, as opaque bytes.
        case snapshot([UInt8])
    }

    package let group: GroupID
    package let kind: Kind
    package init(_ group: GroupID, _ kind: Kind) {
        self.group = group
        self.kind = kind
    }
}

/// An entry as it was read back.
package struct LogEntry: Hashable, Sendable {
    package let index: UInt64
    package let term: UInt64
    package let payload: [UInt8]
    package init(index: UInt64, term: UInt64, payload: [UInt8]) {
        self.index = index
        self.term = term
        self.payload = payload
    }
}

/// What the log remembers of a group after it was opened.
package struct RecoveredGroup: Hashable, Sendable {
    package let group: GroupID
    package var hardState: [UInt8]?
    package var snapshot: [UInt8]?
    /// The entries up to here are gone; 0 where none are.
    package var compactedIndex: UInt64 = 0
    package var compactedTerm: UInt64 = 0
    /// From `compactedIndex + 1` on, without gaps.
    package var entries: [LogEntry] = []
    package init(group: GroupID) { self.group = group }
}

/// Settings of the write-ahead log.
///
/// | setting | unit | default | range | advice |
/// |---|---|---|---|---|
/// | segmentSize | bytes | 64 MiB | 1 KiB … 1 GiB | must hold the largest append; smaller segments are reclaimed sooner |
/// | preallocation | bytes | 1 MiB | 512 … segmentSize | zeros written ahead, so that a sync has no size to write |
/// | groupCommitBytes | bytes | 4 MiB | | one sync covers at most this much |
/// | queueBytes | bytes | 64 MiB | | appends beyond it wait |
/// | maximumSegments | segments | 4 | 2 … | above it, entries of slow groups are written again so that old segments can go |
package struct LogOptions: Sendable {
    package var segmentSize = 64 << 20
    package var preallocation = 1 << 20
    package var groupCommitBytes = 4 << 20
    package var queueBytes = 64 << 20
    package var maximumSegments = 4
    /// A fault built in on purpose; tests only.
    package var mutant: StorageMutant?
    package init() {}
}

/// What the log holds and has done since it was opened.
package struct LogStatistics: Hashable, Sendable {
    package var segments = 0
    package var bytes: UInt64 = 0
    /// Bytes of entries that are still needed.
    package var liveBytes: UInt64 = 0
    package var groups = 0
    package var appends: UInt64 = 0
    package var records: UInt64 = 0
    package var syncs: UInt64 = 0
    package var appendedBytes: UInt64 = 0
    /// Time spent in syncs, and the longest one.
    package var syncNanoseconds: UInt64 = 0
    package var longestSyncNanoseconds: UInt64 = 0
    /// Records written again so that old segments could go.
    package var rewrittenRecords: UInt64 = 0
    package var reclaimedSegments: UInt64 = 0
    package init() {}
}
