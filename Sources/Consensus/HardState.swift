package import Primitives

/// What a node must not forget (thesis figure 3.1, "persistent state"). `commit` is a hint that
/// spares a restarted node the wait for its leader; it is written along with other changes only.
package struct HardState: Hashable, Sendable, XDRCodable, CustomStringConvertible {
    package var term: UInt64
    package var votedFor: NodeID?
    package var commit: UInt64

    package init(term: UInt64 = 0, votedFor: NodeID? = nil, commit: UInt64 = 0) {
        self.term = term
        self.votedFor = votedFor
        self.commit = commit
    }

    static let version: UInt32 = 1

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.version)
        writer.write(term)
        writer.write(votedFor)
        writer.write(commit)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint32()
        guard version == Self.version else { throw .badValue(what: "version of a hard state", value: UInt64(version)) }
        self.init(term: try reader.uint64(), votedFor: try reader.optional(), commit: try reader.uint64())
    }

    package var description: String { "t\(term) vote \(votedFor.map(\.description) ?? "-") commit \(commit)" }
}

/// Names a snapshot of the state machine: everything up to `index`, an entry of `term`, and the
/// configuration in force there (thesis §5.1).
package struct SnapshotMetadata: Hashable, Sendable, XDRCodable, CustomStringConvertible {
    package var index: UInt64
    package var term: UInt64
    package var configuration: RaftConfiguration

    package init(index: UInt64, term: UInt64, configuration: RaftConfiguration) {
        self.index = index
        self.term = term
        self.configuration = configuration
    }

    static let version: UInt32 = 1

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.version)
        writer.write(index)
        writer.write(term)
        writer.write(configuration)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint32()
        guard version == Self.version else { throw .badValue(what: "version of snapshot metadata", value: UInt64(version)) }
        let index = try reader.uint64()
        guard index < .max else { throw .badValue(what: "index of a snapshot", value: index) }
        self.init(index: index, term: try reader.uint64(), configuration: try reader.value())
    }

    package var description: String { "\(index)/t\(term) \(configuration)" }
}

/// What a node reads back from its disk when it starts.
package struct RaftRestored: Sendable {
    package var hardState: HardState
    package var snapshot: SnapshotMetadata?
    /// Contiguous. Entries that the snapshot covers may be among them.
    package var entries: [RaftEntry]
    /// In force until a snapshot or an entry of the log says otherwise. All founders of a group must
    /// be given the same; a node that joins later is given `.empty`.
    package var initialConfiguration: RaftConfiguration

    package init(
        hardState: HardState = HardState(), snapshot: SnapshotMetadata? = nil, entries: [RaftEntry] = [],
        initialConfiguration: RaftConfiguration
    ) {
        self.hardState = hardState
        self.snapshot = snapshot
        self.entries = entries
        self.initialConfiguration = initialConfiguration
    }

    /// Why no node may start from this, or nil. What a damaged disk can cause is checked here, so
    /// that the host can refuse with a message of its own.
    package var problem: String? {
        var previous: RaftEntry?
        for entry in entries {
            if let previous, entry.index != previous.index + 1 || entry.term < previous.term {
                return "entry \(entry) follows entry \(previous) in the log"
            }
            previous = entry
            if entry.kind == .configuration, (try? RaftConfiguration(xdr: entry.payload)) == nil {
                return "entry \(entry) does not hold a configuration"
            }
        }
        if let first = entries.first, first.index > (snapshot?.index ?? 0) + 1 {
            return "the log begins at \(first.index) but the snapshot ends at \(snapshot?.index ?? 0)"
        }
        if let last = entries.last, last.term > hardState.term {
            return "the log ends in term \(last.term) but the node never entered a term after \(hardState.term)"
        }
        return nil
    }
}
