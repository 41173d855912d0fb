package import Filesystem
package import Primitives

/// What is broken under clients that go on.
package enum FaultKind: String, Sendable, Hashable, CaseIterable, Codable {
    /// A region other than the primary one is cut off from all others, and comes back.
    case partition
    /// All nodes of the primary region are killed at once, and started again.
    case primaryLost = "primary-lost"

    package func operation(_ job: FaultProbe.Job) -> WorkloadOperation {
        switch (self, job) {
        case (.partition, .read): .partitionRead
        case (.partition, .write): .partitionWrite
        case (.primaryLost, .read): .primaryLostRead
        case (.primaryLost, .write): .primaryLostWrite
        }
    }

    static func readMeaning(_ kind: FilesystemKind) -> String {
        kind == .nfs ? "open, read, close a small file, under the fault" : "the same on the session’s snapshot, under the fault"
    }

    static func writeMeaning(_ kind: FilesystemKind) -> String {
        kind == .nfs ? "create, write, close a small file, under the fault" : "create, write, close, commit a small file, under the fault"
    }
}

/// A client that repeats one small operation while something breaks and is mended: it notes when none
/// succeeded, and what was acknowledged. Calls are bounded; after a failure it goes on, in a new session
/// where the old one is of no use. It ends when its time is up and its last operation succeeded, or when
/// its overtime is up too.
package struct FaultProbe: ClientCursor {
    package enum Job: String, Sendable, Hashable, CaseIterable, Codable { case read, write }

    package struct Plan: Hashable, Sendable {
        package var fault: FaultKind
        package var job: Job
        /// From its first step on, at least.
        package var length: Duration
        /// After that, until something succeeds, at most.
        package var overtime: Duration
        /// Between two operations.
        package var interval: Duration
        /// For one call.
        package var limit: Duration
        package var seed: UInt64
        package init(
            fault: FaultKind, job: Job, length: Duration, overtime: Duration = .seconds(60), interval: Duration = .milliseconds(100),
            limit: Duration = .seconds(2), seed: UInt64
        ) {
            self.fault = fault
            self.job = job
            self.length = length
            self.overtime = overtime
            self.interval = interval
            self.limit = limit
            self.seed = seed
        }
    }

    /// A span from the start of the first operation that failed to the end of the next that succeeded.
    package struct Outage: Hashable, Sendable {
        package var from: Instant
        package var to: Instant
        package var cause: FileFailure
    }

    /// The workload's name in results.
    package static let workload = "faults"
    package static let directory = FilePath("faults") ?? .root
    /// Above what the core keeps inline, so that content is at stake too.
    static let size: UInt32 = 8_192
    /// After so many failures in a row a session is given up.
    static let patience = 8

    package let plan: Plan
    package let task: WorkloadTask
    package private(set) var gaveUp: FileFailure?
    package private(set) var attempts = 0
    /// When operations succeeded.
    package private(set) var successes: [Instant] = []
    package private(set) var outages: [Outage] = []
    /// Numbers of the files whose writing was acknowledged.
    package private(set) var acknowledged: [Int] = []

    private enum Stage { case opening, pausing, working, closing, finished }
    private var stage = Stage.opening
    private var began: Instant?
    private var queue: [FileOperation] = []
    private var handle: HandleID?
    private var attemptBegan: Instant?
    private var spent = Duration.zero
    private var cost = OperationCost()
    private var failing: (since: Instant, cause: FileFailure)?
    private var failuresInRow = 0
    private var samples: [Sample] = []
    /// The last failure, until it is known whether it is the last of all.
    private var held: Sample?

    package init(_ plan: Plan, kind: FilesystemKind, region: RegionID) {
        self.plan = plan
        task = WorkloadTask(kind: kind, region: region, part: .cell(repetition: 0))
    }

    package var title: String { "\(plan.fault.rawValue) \(plan.job.rawValue)" }
    package var callLimit: Duration? { plan.limit }

    // MARK: Files

    package static func kept(seed: UInt64) -> (path: FilePath, payload: Payload) {
        (directory.appending(Array("kept".utf8)), .record(seed: SeededGenerator.mix(seed), length: size))
    }

    /// A file of this client: its path and its content.
    package func file(_ number: Int) -> (path: FilePath, payload: Payload) {
        let name = "\(plan.fault.rawValue)-\(task.region)-\(number)"
        // Another content on each kind: neither finds the other's chunks.
        var seed = SeededGenerator.mix(plan.seed &+ UInt64(number) &+ UInt64(task.kind.rawValue) << 32)
        for byte in name.utf8 { seed = SeededGenerator.mix(seed ^ UInt64(byte)) }
        return (Self.directory.appending(Array(name.utf8)), .record(seed: seed, length: Self.size))
    }

    // MARK: Steps

    package mutating func takeSamples() -> [Sample] {
        defer { samples = [] }
        return samples
    }

    package mutating func next(now: Instant) -> WorkloadStep {
        if began == nil { began = now }
        switch stage {
        case .finished: return .finished
        case .closing: return .closeSession
        case .pausing: return .pause(plan.interval)
        case .opening:
            if attemptBegan == nil { attemptBegan = now }
            return .openSession(SessionOptions(readOnly: plan.job == .read, idleLimit: .seconds(60)))
        case .working:
            if queue.isEmpty { beginAttempt(now) }
            return step()
        }
    }

    private mutating func beginAttempt(_ now: Instant) {
        if attemptBegan == nil { attemptBegan = now }
        spent = .zero
        cost = OperationCost()
        handle = nil
        attempts += 1
        release()
        let none = HandleID(0)
        switch plan.job {
        case .read:
            queue = [
                .open(path: Self.kept(seed: plan.seed).path, mode: .read), .read(handle: none, offset: 0, length: Self.size),
                .close(handle: none, abandon: false),
            ]
        case .write:
            queue = [
                .open(path: file(attempts).path, mode: .create(mode: 0o644, exclusive: false, truncate: true)),
                .write(handle: none, offset: 0), .close(handle: none, abandon: false),
            ]
            if task.kind == .volume { queue.append(.commit(CommitOptions(message: "\(title) \(attempts)"))) }
        }
    }

    private func step() -> WorkloadStep {
        let handle = handle ?? HandleID(0)
        switch queue[0] {
        case .read(_, let offset, let length):
            return .perform(.read(handle: handle, offset: offset, length: length), payload: Self.kept(seed: plan.seed).payload)
        case .write(_, let offset): return .perform(.write(handle: handle, offset: offset), payload: file(attempts).payload)
        case .close(_, let abandon): return .perform(.close(handle: handle, abandon: abandon), payload: nil)
        case let operation: return .perform(operation, payload: nil)
        }
    }

    package mutating func complete(_ result: StepResult, took: Duration, now: Instant) {
        switch (stage, result) {
        case (.closing, _): stage = .finished
        case (.opening, .sessionOpened): stage = .working
        case (.opening, .failed(let failure)):
            // One that cannot begin is an attempt too.
            attempts += 1
            release()
            spent = now - (attemptBegan ?? now)
            failed(failure, now, opensAgain: true)
        case (.pausing, _):
            stage = .working
            if isOver(now) { end(now) } else if needsSession { stage = .opening }
        case (.working, .done(let outcome)):
            spent += took
            cost = cost + outcome.cost
            if case .opened(let id, _) = outcome.value { handle = id }
            queue.removeFirst()
            if queue.isEmpty { succeeded(now) }
        case (.working, .failed(let failure)):
            spent += took
            let isPassing = failure.code == .unavailable || failure.code == .timedOut || failure.code == .overloaded
            failed(failure, now, opensAgain: !isPassing || failuresInRow % Self.patience == Self.patience - 1)
        case (_, .sessionOpened), (_, .sessionClosed), (_, .paused), (.finished, _), (.opening, .done):
            preconditionFailure("a result that answers no step")
        }
    }

    private var needsSession = false

    private mutating func succeeded(_ now: Instant) {
        if plan.job == .write { acknowledged.append(attempts) }
        successes.append(now)
        var outage = Duration.zero
        if let failing {
            outages.append(Outage(from: failing.since, to: now, cause: failing.cause))
            outage = now - failing.since
        }
        failing = nil
        failuresInRow = 0
        let size = UInt64(Self.size)
        samples.append(
            sample(bytesRead: plan.job == .read ? size : 0, bytesWritten: plan.job == .write ? size : 0, failure: nil, outage: outage))
        attemptBegan = nil
        stage = .pausing
        needsSession = false
    }

    private mutating func failed(_ failure: FileFailure, _ now: Instant, opensAgain: Bool) {
        if failing == nil { failing = (attemptBegan ?? now, failure) }
        failuresInRow += 1
        held = sample(bytesRead: 0, bytesWritten: 0, failure: failure, outage: .zero)
        queue = []
        attemptBegan = nil
        stage = .pausing
        needsSession = opensAgain
    }

    private func sample(bytesRead: UInt64, bytesWritten: UInt64, failure: FileFailure?, outage: Duration) -> Sample {
        Sample(
            workload: Self.workload, kind: task.kind, region: task.region, operation: plan.fault.operation(plan.job), cache: .warm,
            repetition: 0, latency: spent, bytesRead: bytesRead, bytesWritten: bytesWritten, cost: cost, failure: failure, outage: outage)
    }

    private mutating func release() {
        if let held { samples.append(held) }
        held = nil
    }

    private func isOver(_ now: Instant) -> Bool {
        let end = (began ?? now) + plan.length
        return failing == nil ? now >= end : now >= end + plan.overtime
    }

    private mutating func end(_ now: Instant) {
        stage = .closing
        guard let failing else { return }
        outages.append(Outage(from: failing.since, to: now, cause: failing.cause))
        // It never succeeded again: the last failure stands for the span.
        held?.outage = now - failing.since
        release()
        gaveUp = failing.cause
    }
}
