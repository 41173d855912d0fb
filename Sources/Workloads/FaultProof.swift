package import Filesystem
package import Primitives

/// Reads files that were acknowledged and compares them with what was written: after the faults, each
/// must be there. What is not to be reached yet is tried again until the time is up; what is not found,
/// or is not what was written, is missing.
package struct FaultProof: ClientCursor {
    package typealias File = (path: FilePath, payload: Payload)

    package let task: WorkloadTask
    package private(set) var gaveUp: FileFailure?
    /// Files that were read whole and right.
    package private(set) var found = 0
    package private(set) var missing: [(path: FilePath, cause: FileFailure)] = []

    private enum Stage { case opening, reloading, working, pausing, closing, finished }
    private var stage = Stage.opening
    private let files: [File]
    private let patience: Duration
    private var deadline: Instant?
    private var place = 0
    private var handle: HandleID?
    private var hasRead = false
    private var needsSession = false
    private var hasReloaded = false

    package init(_ files: [File], kind: FilesystemKind, region: RegionID, patience: Duration = .seconds(60)) {
        self.files = files
        self.patience = patience
        task = WorkloadTask(kind: kind, region: region, part: .cell(repetition: 0))
    }

    package var title: String { "what was acknowledged" }
    package var callLimit: Duration? { .seconds(10) }
    package mutating func takeSamples() -> [Sample] { [] }

    package mutating func next(now: Instant) -> WorkloadStep {
        if deadline == nil { deadline = now + patience }
        switch stage {
        case .opening: return .openSession(SessionOptions(readOnly: true, idleLimit: .seconds(60)))
        case .reloading: return .perform(.reload(.latest, discard: true), payload: nil)
        case .pausing: return .pause(.milliseconds(250))
        case .closing: return .closeSession
        case .finished: return .finished
        case .working:
            guard place < files.count else {
                stage = .closing
                return .closeSession
            }
            guard let handle else { return .perform(.open(path: files[place].path, mode: .read), payload: nil) }
            guard hasRead else {
                let payload = files[place].payload
                return .perform(.read(handle: handle, offset: 0, length: payload.length), payload: payload)
            }
            return .perform(.close(handle: handle, abandon: false), payload: nil)
        }
    }

    package mutating func complete(_ result: StepResult, took: Duration, now: Instant) {
        switch (stage, result) {
        case (.closing, _): stage = .finished
        case (.opening, .sessionOpened):
            needsSession = false
            stage = task.kind == .volume && !hasReloaded ? .reloading : .working
        case (.reloading, .done):
            hasReloaded = true
            stage = .working
        case (.pausing, _): stage = needsSession ? .opening : task.kind == .volume && !hasReloaded ? .reloading : .working
        case (.working, .done(let outcome)): done(outcome.value)
        case (_, .failed(let failure)): failed(failure, now)
        case (_, .sessionOpened), (_, .sessionClosed), (_, .paused), (_, .done): preconditionFailure("a result that answers no step")
        }
    }

    private mutating func done(_ value: FileValue) {
        switch value {
        case .opened(let id, _): handle = id
        case .data: hasRead = true
        default:
            found += 1
            nextFile()
        }
    }

    private mutating func nextFile() {
        place += 1
        handle = nil
        hasRead = false
    }

    private mutating func failed(_ failure: FileFailure, _ now: Instant) {
        let isLost = failure.code == .notFound || failure.code == .corrupt || failure.code == .noData
        if case .working = stage, isLost {
            missing.append((files[place].path, failure))
            return nextFile()
        }
        guard now < deadline ?? now else {
            // All that is left could not be read in time.
            gaveUp = failure
            missing += files[place...].map { ($0.path, failure) }
            stage = .closing
            return
        }
        needsSession = stage == .opening || !(failure.code.isRetryable || failure.code == .timedOut)
        handle = nil
        hasRead = false
        stage = .pausing
    }
}
