package import Filesystem
package import Primitives

/// A client that does a few things once, in order: handles are filled in from the file opened last. The
/// first failure ends it; what may pass is tried again for as long as its patience lasts.
package struct ScriptedClient: ClientCursor {
    package let task: WorkloadTask
    package let title: String
    package private(set) var gaveUp: FileFailure?
    private let steps: [(operation: FileOperation, payload: Payload?)]
    private let patience: Duration
    private var deadline: Instant?
    private var place = 0
    private var handle = HandleID(0)

    private enum Stage { case opening, working, pausing, closing, finished }
    private var stage = Stage.opening
    private var resumes = Stage.working

    package init(
        _ steps: [(operation: FileOperation, payload: Payload?)], title: String, kind: FilesystemKind, region: RegionID,
        patience: Duration = .seconds(30)
    ) {
        self.steps = steps
        self.title = title
        self.patience = patience
        task = WorkloadTask(kind: kind, region: region, part: .prepare)
    }

    package mutating func takeSamples() -> [Sample] { [] }

    package mutating func next(now: Instant) -> WorkloadStep {
        if deadline == nil { deadline = now + patience }
        switch stage {
        case .opening: return .openSession(SessionOptions(idleLimit: .seconds(60)))
        case .pausing: return .pause(.milliseconds(200))
        case .closing: return .closeSession
        case .finished: return .finished
        case .working:
            guard place < steps.count else {
                stage = .closing
                return .closeSession
            }
            let (operation, payload) = steps[place]
            return switch operation {
            case .write(_, let offset): .perform(.write(handle: handle, offset: offset), payload: payload)
            case .close(_, let abandon): .perform(.close(handle: handle, abandon: abandon), payload: nil)
            default: .perform(operation, payload: payload)
            }
        }
    }

    package mutating func complete(_ result: StepResult, took: Duration, now: Instant) {
        switch (stage, result) {
        case (.closing, _): stage = .finished
        case (.opening, .sessionOpened): stage = .working
        case (.pausing, _): stage = resumes
        case (.working, .done(let outcome)):
            if case .opened(let id, _) = outcome.value { handle = id }
            place += 1
        case (_, .failed(let failure)):
            if failure.code.isRetryable, now < deadline ?? now {
                resumes = stage
                stage = .pausing
            } else {
                gaveUp = failure
                stage = stage == .opening ? .finished : .closing
            }
        case (_, .sessionOpened), (_, .sessionClosed), (_, .paused), (_, .done): preconditionFailure("a result that answers no step")
        }
    }
}
