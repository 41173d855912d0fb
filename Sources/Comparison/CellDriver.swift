internal import Filesystem
internal import Primitives
internal import Workloads

/// Carries out the steps of one cursor against a client, and measures around each call. Payloads
/// are made before the clock starts.
struct CellDriver: Sendable {
    let client: any WorkloadClient
    let clock: any RunClock
    let filesystem: FilesystemID
    let inputs: InputSet
    let stamp: ContentStamp
    var recorder: TraceRecorder?

    /// A new file system may take some seconds to elect its leader.
    static let openTries = 100
    static let openPause = Duration.milliseconds(100)

    /// `note` is told now and then how far it is.
    func run(_ start: any ClientCursor, note: @Sendable (WorkloadCursor.PutCounts) -> Void = { _ in }) async -> CellResult {
        var cursor = start
        let region = cursor.task.region
        let client = cursor.isPreparation ? client.preparing : client
        var session: SessionID?
        var samples: [Sample] = []
        var noted = clock.now()
        while !Task.isCancelled {
            let step = cursor.next(now: clock.now())
            switch step {
            case .finished:
                return CellResult(samples: samples, cursor: cursor)
            case .openSession(let options):
                let (result, opened) = await open(region, options, cursor.callLimit, by: client)
                session = opened
                cursor.complete(result, took: .zero, now: clock.now())
            case .closeSession:
                if let session { await client.closeSession(session, in: region, within: cursor.callLimit) }
                session = nil
                cursor.complete(.sessionClosed, took: .zero, now: clock.now())
            case .pause(let span):
                await clock.sleep(span)
                cursor.complete(.paused, took: .zero, now: clock.now())
            case .perform(let operation, let payload):
                guard let session else { preconditionFailure("an operation without a session") }
                let began = clock.now()
                let (result, took) = await perform(operation, payload, session, region, cursor.callLimit, by: client)
                if let recorder, cursor is WorkloadCursor, case .done(let outcome) = result {
                    recorder.note(cursor.task, operation, payload: UInt64(payload?.length ?? 0), outcome.value, at: began)
                }
                cursor.complete(result, took: took, now: clock.now())
            }
            samples += cursor.takeSamples()
            if clock.now() - noted > .seconds(2) {
                noted = clock.now()
                note(cursor.put)
            }
        }
        if let session { await client.closeSession(session, in: region, within: cursor.callLimit) }
        let cancelled = FileFailure(.timedOut, operation: "compare", object: cursor.title, cause: "interrupted")
        return CellResult(samples: samples, cursor: cursor, stopped: cancelled)
    }

    /// A client with a bound for its calls is told of the first failure.
    private func open(_ region: RegionID, _ options: SessionOptions, _ limit: Duration?, by client: any WorkloadClient) async -> (
        StepResult, SessionID?
    ) {
        var last = FileFailure(.unavailable, operation: "open session", object: "\(filesystem)", cause: "not tried")
        for _ in 0..<Self.openTries where !Task.isCancelled {
            do throws(FileFailure) {
                return (.sessionOpened, try await client.openSession(filesystem, in: region, options: options, within: limit))
            } catch {
                last = error
                guard limit == nil else { break }
                // A region may hear of a new file system a moment later than its primary.
                guard error.code.isRetryable || error.code == .notFound || error.code == .timedOut else { break }
                await clock.sleep(Self.openPause)
            }
        }
        return (.failed(last), nil)
    }

    private func perform(
        _ operation: FileOperation, _ payload: Payload?, _ session: SessionID, _ region: RegionID, _ limit: Duration?,
        by client: any WorkloadClient
    ) async -> (StepResult, Duration) {
        var started = clock.now()
        do throws(FileFailure) {
            var bytes: [UInt8]?
            if let payload { bytes = try inputs.bytes(payload, stamp: stamp) }
            var written = bytes
            if case .read = operation { written = nil }
            started = clock.now()
            let (outcome, data) = try await client.perform(operation, session: session, in: region, payload: written, within: limit)
            let took = clock.now() - started
            try check(operation, outcome, data, bytes)
            return (.done(outcome), took)
        } catch {
            return (.failed(error), clock.now() - started)
        }
    }

    /// A read must bring the bytes that it says it brings, and some; those that were written, where they are known.
    private func check(_ operation: FileOperation, _ outcome: FileOutcome, _ data: [UInt8], _ expected: [UInt8]?) throws(FileFailure) {
        guard case .read(_, let offset, let length) = operation else { return }
        guard case .data(let count, _) = outcome.value, Int(count) == data.count, count > 0, count <= length else {
            throw FileFailure(
                .corrupt, operation: "read", object: "\(length) bytes at \(offset)", cause: "\(data.count) bytes came with \(outcome.value)"
            )
        }
        guard let expected, client.holdsBytes, data != expected else { return }
        throw FileFailure(.corrupt, operation: "read", object: "\(length) bytes at \(offset)", cause: "they are not what was written")
    }
}
