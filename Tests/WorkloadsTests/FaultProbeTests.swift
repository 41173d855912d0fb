import Filesystem
import Primitives
import Testing
import Workloads

/// Clients that go on while something is broken: what they note, and that they end.
@Suite struct FaultProbeTests {
    /// Carries a client out; `isDown` says at which times every call fails, after two seconds.
    static func run(_ probe: FaultProbe, isDown: (Duration) -> FileFailure.Code?) -> (
        probe: FaultProbe, samples: [Sample], misuse: [String]
    ) {
        var probe = probe
        var responder = Responder()
        var samples: [Sample] = []
        var now = Instant.zero
        for _ in 0..<20_000 {
            let step = probe.next(now: now)
            if step == .finished { return (probe, samples, responder.misuse) }
            var took = Duration.milliseconds(5)
            var result: StepResult
            if case .pause(let span) = step {
                (took, result) = (span, .paused)
            } else if let code = isDown(now - .zero), step != .closeSession {
                took = code == .timedOut ? .seconds(2) : .milliseconds(1)
                result = .failed(FileFailure(code, operation: "call", object: "x", cause: "down"))
            } else {
                result = responder.answer(step)
            }
            now = now + took
            probe.complete(result, took: took, now: now)
            samples += probe.takeSamples()
        }
        Issue.record("no end")
        return (probe, samples, responder.misuse)
    }

    static func plan(_ job: FaultProbe.Job) -> FaultProbe.Plan {
        FaultProbe.Plan(fault: .partition, job: job, length: .seconds(15), overtime: .seconds(20), seed: 4)
    }

    @Test(arguments: FilesystemKind.allCases, FaultProbe.Job.allCases)
    func withoutAFaultNothingIsAmiss(kind: FilesystemKind, job: FaultProbe.Job) {
        let (probe, samples, misuse) = Self.run(FaultProbe(Self.plan(job), kind: kind, region: RegionID("a"))) { _ in nil }
        #expect(misuse.isEmpty && probe.outages.isEmpty && probe.gaveUp == nil)
        #expect(probe.attempts == samples.count && probe.successes.count == samples.count && samples.count > 100)
        #expect(probe.acknowledged.count == (job == .write ? samples.count : 0))
        #expect(Set(probe.acknowledged.map { probe.file($0).path }).count == probe.acknowledged.count)
        #expect(samples.allSatisfy { $0.workload == "faults" && $0.operation == FaultKind.partition.operation(job) })
    }

    @Test(arguments: [FileFailure.Code.unavailable, .timedOut, .stale], FilesystemKind.allCases)
    func anOutageIsMeasuredFromItsFirstFailureToTheNextSuccess(code: FileFailure.Code, kind: FilesystemKind) throws {
        let probe = FaultProbe(Self.plan(.write), kind: kind, region: RegionID("a"))
        let (ended, samples, misuse) = Self.run(probe) { now in now >= .seconds(3) && now < .seconds(9) ? code : nil }
        #expect(misuse.isEmpty && ended.gaveUp == nil)
        let outage = try #require(ended.outages.first)
        #expect(ended.outages.count == 1 && outage.cause.code == code)
        #expect(outage.from >= .zero + .milliseconds(2_800) && outage.from <= .zero + .milliseconds(3_100))
        #expect(outage.to >= .zero + .seconds(9) && outage.to < .zero + .milliseconds(11_500))
        // The rows say the same.
        var table = MeasurementTable()
        for sample in samples { table.add(sample) }
        let row = try #require(table.rows.first)
        #expect(table.rows.count == 1 && row.unavailable == outage.to - outage.from)
        #expect(row.errors == ended.attempts - ended.successes.count && row.errors > 0)
        // Nothing that failed counts as acknowledged.
        #expect(ended.acknowledged.count == ended.successes.count)
    }

    @Test func whatNeverComesBackIsGivenUp() throws {
        let probe = FaultProbe(Self.plan(.read), kind: .nfs, region: RegionID("a"))
        let (ended, samples, _) = Self.run(probe) { $0 >= .seconds(5) ? .unavailable : nil }
        #expect(ended.gaveUp?.code == .unavailable)
        let outage = try #require(ended.outages.first)
        // 15 s and 20 s more.
        #expect(outage.to - outage.from > .seconds(29) && outage.to - outage.from < .seconds(31))
        #expect(samples.reduce(Duration.zero) { $0 + ($1.outage ?? .zero) } == outage.to - outage.from)
    }

    @Test func whatIsMissingIsTold() {
        let files: [FaultProof.File] = (0..<4).map { (FilePath("faults/\($0)")!, .record(seed: UInt64($0), length: 100)) }
        var proof = FaultProof(files, kind: .volume, region: RegionID("a"), patience: .seconds(5))
        var responder = Responder(fails: ["reload#1", "open#2"])
        var now = Instant.zero
        for _ in 0..<200 {
            let step = proof.next(now: now)
            if step == .finished { break }
            now = now + .milliseconds(10)
            var result = responder.answer(step)
            if case .perform(.open(let path, _), _) = step, path.description.hasSuffix("2") {
                result = .failed(FileFailure(.notFound, operation: "open", object: "\(path)", cause: "there is no such file"))
            }
            proof.complete(result, took: .zero, now: now)
        }
        #expect(proof.next(now: now) == .finished)
        #expect(proof.found == 3 && proof.missing.count == 1 && proof.missing.first?.path == files[2].path)
    }
}
