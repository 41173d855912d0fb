package import Filesystem
package import Primitives

/// What the client must do next. The same steps drive a live cluster and a simulated one.
package enum WorkloadStep: Hashable, Sendable {
    case openSession(SessionOptions)
    /// `payload`: the bytes of a write; of a read, what must be there.
    case perform(FileOperation, payload: Payload?)
    case closeSession
    /// Nothing for so long.
    case pause(Duration)
    case finished
}

/// What came of a step, besides the time that it took.
package enum StepResult: Hashable, Sendable {
    case sessionOpened
    case done(FileOutcome)
    case sessionClosed
    case paused
    case failed(FileFailure)
}

/// Which part of a workload a cursor carries out, from which region, on which kind.
package struct WorkloadTask: Hashable, Sendable {
    package enum Part: Hashable, Sendable {
        /// Once a kind, from the primary region.
        case prepare
        /// Cold, then warm, of one repetition (from 0).
        case cell(repetition: Int)
    }
    /// Of several clients of a region, which.
    package var client = 0
    package var kind: FilesystemKind
    package var region: RegionID
    package var part: Part
    package init(kind: FilesystemKind, region: RegionID, part: Part, client: Int = 0) {
        self.kind = kind
        self.region = region
        self.part = part
        self.client = client
    }

    package var repetition: Int {
        switch part {
        case .prepare: 0
        case .cell(let repetition): repetition
        }
    }
}

/// One timed operation.
package struct Sample: Hashable, Sendable {
    package var workload: String
    package var kind: FilesystemKind
    package var region: RegionID
    package var operation: WorkloadOperation
    package var cache: CacheState
    package var repetition: Int
    /// Time in the calls of the operation; what the client does between them is not counted.
    package var latency: Duration
    /// Bytes of content read and written.
    package var bytesRead: UInt64
    package var bytesWritten: UInt64
    package var cost: OperationCost
    /// Nil where it went well.
    package var failure: FileFailure?
    /// The span that it ends in which nothing of the kind succeeded; nil: of a failure that the file
    /// system was not to be reached, its own time.
    package var outage: Duration?
    package init(
        workload: String, kind: FilesystemKind, region: RegionID, operation: WorkloadOperation, cache: CacheState, repetition: Int,
        latency: Duration, bytesRead: UInt64 = 0, bytesWritten: UInt64 = 0, cost: OperationCost = OperationCost(),
        failure: FileFailure? = nil, outage: Duration? = nil
    ) {
        self.workload = workload
        self.kind = kind
        self.region = region
        self.operation = operation
        self.cache = cache
        self.repetition = repetition
        self.latency = latency
        self.bytesRead = bytesRead
        self.bytesWritten = bytesWritten
        self.cost = cost
        self.failure = failure
        self.outage = outage
    }
}

/// An operation as planned: the handle that it needs is known only when an earlier one has answered.
struct PlannedStep: Hashable, Sendable {
    /// Where the cursor keeps open handles.
    enum Slot: Int, Sendable, CaseIterable { case scratch, sequential, random, lock }

    enum Action: Hashable, Sendable {
        case plain(FileOperation)
        case open(Slot, FilePath, OpenMode)
        case read(Slot, offset: UInt64, length: UInt32)
        case write(Slot, offset: UInt64, Payload)
        case sync(Slot)
        case close(Slot, abandon: Bool)
        case lock(Slot, LockRange)
        case unlock(Slot, LockRange)
    }

    var action: Action
    /// The operation that its time is counted for; nil for what is not timed.
    var operation: WorkloadOperation?
    var isLast = false
    /// An operation that this step is by itself, besides being a part of the other.
    var alone: WorkloadOperation?
    /// Fails where all is well: what is timed is the refusal.
    var isRefused = false
}
