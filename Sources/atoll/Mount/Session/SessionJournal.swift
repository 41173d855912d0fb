import Filesystem
import NIOCore
import Primitives

/// What a volume's session has staged since its last commit, so that another node can stage it again where the one that
/// has the session ends. Kept in memory: what is staged is promised for as long as the mount lives, and no longer.
struct SessionJournal {
    /// Bytes of content that are kept. Beyond that the journal gives up until the next commit, and says so.
    static let byteLimit = 128 << 20
    static let entryLimit = 200_000

    struct Entry {
        var change: Change
        /// Objects whose state it makes, by the numbers that the mount shows.
        var subjects: [InodeID]
    }

    enum Change {
        case operation(FileOperation)
        /// `make` and what it gave.
        case made(FilePath, NewObject, InodeID)
        /// What was written to a file between two flushes.
        case content(InodeID, [Write])
    }

    struct Write {
        let offset: UInt64
        let bytes: ByteBuffer
    }

    private(set) var entries: [Entry] = []
    private(set) var bytes = 0
    /// Something that was staged is not in here.
    private(set) var isTorn = false

    mutating func append(_ change: Change, _ subjects: [InodeID]) {
        guard !isTorn else { return }
        if case .content(_, let writes) = change { bytes += writes.reduce(0) { $0 + $1.bytes.readableBytes } }
        guard bytes <= Self.byteLimit, entries.count < Self.entryLimit else { return tear() }
        entries.append(Entry(change: change, subjects: subjects))
    }

    mutating func tear() {
        entries = []
        bytes = 0
        isTorn = true
    }

    /// A commit has published what was staged until here, but for `left`: the files that were open for writing. Of those that
    /// the session made nothing was published, of others their names.
    mutating func committed(leavingOut left: Set<InodeID>) {
        guard !left.isEmpty else {
            self = SessionJournal()
            return
        }
        guard !isTorn else { return }
        let made = Set(
            entries.compactMap { entry -> InodeID? in
                guard case .made(_, _, let number) = entry.change else { return nil }
                return number
            })
        entries = entries.filter { entry in
            entry.subjects.contains { number in
                guard left.contains(number) else { return false }
                return made.contains(number) || entry.change.isOfContent
            }
        }
        bytes = entries.reduce(0) { total, entry in
            guard case .content(_, let writes) = entry.change else { return total }
            return total + writes.reduce(0) { $0 + $1.bytes.readableBytes }
        }
    }
}

extension SessionJournal.Change {
    /// Content or attributes, which a commit leaves out of files that are open for writing; names it does not.
    fileprivate var isOfContent: Bool {
        switch self {
        case .content: true
        case .operation(let operation):
            switch operation {
            case .setAttributes, .setXattr, .removeXattr, .zeroRange: true
            default: false
            }
        case .made: false
        }
    }
}
