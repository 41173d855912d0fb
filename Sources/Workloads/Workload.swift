/// A workload as data: what it imitates, which real files it needs, and how many of which
/// operations a client deals out, cold and warm, within which limits. Files under
/// `simulations/workloads/`; `WorkloadCursor` is the machine that carries one out.
package struct Workload: Hashable, Sendable {
    /// One line of the mix: so many of an operation in each repetition.
    package struct Mix: Hashable, Sendable {
        package var operation: WorkloadOperation
        package var cold: Int
        package var warm: Int
        package init(operation: WorkloadOperation, cold: Int, warm: Int) {
            self.operation = operation
            self.cold = cold
            self.warm = warm
        }
    }

    package var name: String
    package var title: String
    /// What it imitates, in words.
    package var imitates: String
    package var seed: UInt64
    /// Repetitions of each cell, 1 to 20; three at least for a spread.
    package var repetitions: Int
    /// Whether clients of regions other than the primary may run at the same time (network file
    /// system only: they wait for the wide area, not for this machine).
    package var concurrentRegions: Bool
    /// Clients in each region, 1 to 16. With more than one, all clients of all regions run at the same
    /// time: what is measured is how they wait for each other.
    package var clients: Int
    package var inputs: Inputs
    package var limits: Limits
    package var mix: [Mix]
    /// What is replayed instead of dealing out the mix; nil for all workloads but a trace.
    package var trace: Trace?

    /// The real files that the preparation puts.
    package struct Inputs: Hashable, Sendable {
        /// Files of the source tree, at most this many, none larger than `treeFileSize`.
        package var treeFiles: Int
        package var treeFileSize: UInt64
        /// Large files, at most this many, each cut to `largeFileSize`.
        package var largeFiles: Int
        package var largeFileSize: UInt64
        /// Small records of `recordSize` bytes, generated.
        package var records: Int
        package var recordSize: UInt32
        /// Bytes of a file that `create-write-close` and `publish` write.
        package var writeSize: UInt32
        /// Bytes of one checkpoint.
        package var checkpointSize: UInt64
        /// Edits of one revision, each an insertion, a deletion or a change of up to `editSize` bytes.
        package var edits: Int
        package var editSize: UInt32
        package init(
            treeFiles: Int = 0, treeFileSize: UInt64 = 65_536, largeFiles: Int = 0, largeFileSize: UInt64 = 16 << 20, records: Int = 0,
            recordSize: UInt32 = 4_096, writeSize: UInt32 = 4_096, checkpointSize: UInt64 = 8 << 20, edits: Int = 12,
            editSize: UInt32 = 4_096
        ) {
            self.treeFiles = treeFiles
            self.treeFileSize = treeFileSize
            self.largeFiles = largeFiles
            self.largeFileSize = largeFileSize
            self.records = records
            self.recordSize = recordSize
            self.writeSize = writeSize
            self.checkpointSize = checkpointSize
            self.edits = edits
            self.editSize = editSize
        }
    }

    /// Bounds of time. A cell ends when its time is up, but not before each operation of its mix
    /// has been done `samplesMin` times.
    package struct Limits: Hashable, Sendable {
        package var prepare: Duration
        package var cold: Duration
        package var warm: Duration
        package var samplesMin: Int
        package init(
            prepare: Duration = .seconds(15), cold: Duration = .milliseconds(2_000), warm: Duration = .milliseconds(1_000),
            samplesMin: Int = 1
        ) {
            self.prepare = prepare
            self.cold = cold
            self.warm = warm
            self.samplesMin = samplesMin
        }
    }

    package init(
        name: String, title: String, imitates: String, seed: UInt64, repetitions: Int = 3, concurrentRegions: Bool = true,
        clients: Int = 1, inputs: Inputs = Inputs(), limits: Limits = Limits(), mix: [Mix]
    ) {
        self.name = name
        self.title = title
        self.imitates = imitates
        self.seed = seed
        self.repetitions = repetitions
        self.concurrentRegions = concurrentRegions
        self.clients = clients
        self.inputs = inputs
        self.limits = limits
        self.mix = mix
    }

    package func count(_ operation: WorkloadOperation, _ cache: CacheState) -> Int {
        mix.first { $0.operation == operation }.map { cache == .cold ? $0.cold : $0.warm } ?? 0
    }

    /// Operations of the mix that read distinct files of the tree, in order.
    var treeReaders: [WorkloadOperation] { mix.map(\.operation).filter(\.usesTree) }
}

/// Whether a client comes to something for the first time.
package enum CacheState: String, Sendable, Hashable, CaseIterable, Comparable {
    /// A new session, and paths that were never read in that region before.
    case cold
    /// The same session, the same paths again.
    case warm
    package static func < (a: CacheState, b: CacheState) -> Bool { a == .cold && b == .warm }
}

/// One of the real files of a run: its name relative to where it was found, and its size as used.
package struct InputFile: Hashable, Sendable {
    package var name: String
    package var size: UInt64
    package init(name: String, size: UInt64) {
        self.name = name
        self.size = size
    }
}

/// The files that a run has: those of a source tree and large ones. Named by position in `Payload`.
package struct InputInventory: Hashable, Sendable {
    package var tree: [InputFile]
    package var large: [InputFile]
    package init(tree: [InputFile] = [], large: [InputFile] = []) {
        self.tree = tree
        self.large = large
    }
}
