internal import Filesystem
internal import Primitives
internal import Reports
internal import Workloads

/// How the comparison breaks its cluster.
package struct FaultOptions: Sendable {
    /// How long each fault lasts: 1 to 60 s.
    package var duration: Duration
    /// Before each, and after it at least.
    package var lead: Duration = .milliseconds(1_500)
    package var settle: Duration = .seconds(4)
    package init(duration: Duration = .seconds(10)) { self.duration = duration }
}

/// After everything else has been measured: clients in every region read and write small files on both
/// kinds, without pause, while one region is cut off and comes back, and while the primary region is lost
/// and comes back. At the end every file whose writing was acknowledged is read again.
struct FaultPhase: Sendable {
    let cells: any CellRunner
    let stage: any FaultStage
    let options: FaultOptions
    let map: RegionMap
    let primary: RegionID
    let regions: [RegionID]
    let filesystems: [(kind: FilesystemKind, id: FilesystemID)]
    let seed: UInt64
    let world: String
    let progress: @Sendable (String) -> Void

    /// What came of it.
    struct Outcome: Sendable {
        var section: FaultsSection
        var samples: [Sample] = []
        /// The cluster may be broken still.
        var unmended: Unmended?
    }

    /// The region that is cut off: the one farthest from the primary.
    var cutOff: RegionID? {
        regions.filter { $0 != primary }.max {
            (map.roundTrip(primary, $0) ?? .zero, $0) < (map.roundTrip(primary, $1) ?? .zero, $1)
        }
    }

    private var plans: [FaultPlan] {
        guard let cutOff else { return [] }
        return [(FaultKind.partition, cutOff), (.primaryLost, primary)].map {
            FaultPlan(kind: $0, region: $1, lead: options.lead, duration: options.duration)
        }
    }

    func run() async -> Outcome {
        var outcome = Outcome(section: FaultsSection())
        guard regions.count > 1 else {
            outcome.section.leftOut = "with one region there is nothing to cut off, and nobody left where it is lost"
            return outcome
        }
        do {
            progress("faults: files to read")
            try await prepare()
            var written: [[FaultProof.File]] = filesystems.map { _ in [] }
            for plan in plans {
                let (results, marks) = try await stage.run(probes(plan), under: plan) { [progress] in progress("faults: \($0)") }
                outcome.samples += results.flatMap(\.samples)
                outcome.section.records.append(record(plan, marks, results))
                for probe in results.compactMap({ $0.cursor as? FaultProbe }) {
                    guard let place = filesystems.firstIndex(where: { $0.kind == probe.task.kind }) else { continue }
                    written[place] += probe.acknowledged.map(probe.file)
                }
            }
            progress("faults: reading again what was acknowledged")
            outcome.section.proofs = await prove(written)
        } catch let error as Unmended {
            outcome.unmended = error
            outcome.section.leftOut = error.description
        } catch is CancellationError {
            outcome.section.leftOut = "the run was interrupted"
        } catch {
            outcome.section.leftOut = "\(error)"
        }
        return outcome
    }

    private func place(_ index: Int) -> CellPlace {
        CellPlace(filesystem: filesystems[index].id, inputs: InputSet(), stamp: ContentStamp(seed))
    }

    private func prepare() async throws {
        let clients = filesystems.indices.map { index in
            let kind = filesystems[index].kind
            let (path, payload) = FaultProbe.kept(seed: seed)
            let none = HandleID(0)
            var steps: [(operation: FileOperation, payload: Payload?)] = [
                (.makeDirectory(path: FaultProbe.directory, mode: 0o755, parents: true), nil),
                (.open(path: path, mode: .create(mode: 0o644, exclusive: false, truncate: true)), nil),
                (.write(handle: none, offset: 0), payload), (.close(handle: none, abandon: false), nil),
            ]
            if kind == .volume { steps.append((.commit(CommitOptions(message: "before the faults", wait: .all)), nil)) }
            return Cell(ScriptedClient(steps, title: "preparation of faults", kind: kind, region: primary), at: place(index))
        }
        for result in await cells.run(clients, note: { _ in }) {
            if let failure = result.gaveUp { throw ComparisonError("the files for it could not be written: \(failure)") }
        }
    }

    /// A reader and a writer in every region, on each kind.
    private func probes(_ plan: FaultPlan) -> [Cell] {
        let farthest = map.links.map(\.roundTrip).max() ?? .zero
        let length = plan.lead + plan.duration + options.settle
        return filesystems.indices.flatMap { index in
            regions.flatMap { region in
                FaultProbe.Job.allCases.map { job in
                    let limit = max(.seconds(2), farthest * 8)
                    let own = FaultProbe.Plan(fault: plan.kind, job: job, length: length, limit: limit, seed: seed)
                    return Cell(FaultProbe(own, kind: filesystems[index].kind, region: region), at: place(index))
                }
            }
        }
    }

    /// A network file system is read where it lives, a volume in every region.
    private func prove(_ written: [[FaultProof.File]]) async -> [FaultsSection.Proof] {
        var checks: [Cell] = []
        for index in filesystems.indices {
            for region in filesystems[index].kind == .nfs ? [primary] : regions {
                checks.append(Cell(FaultProof(written[index], kind: filesystems[index].kind, region: region), at: place(index)))
            }
        }
        let proofs = await cells.run(checks, note: { _ in }).compactMap { $0.cursor as? FaultProof }
        return filesystems.indices.map { index in
            let own = proofs.filter { $0.task.kind == filesystems[index].kind }
            let missing = own.flatMap { proof in proof.missing.map { "\($0.path) in \(proof.task.region): \($0.cause.cause)" } }
            return FaultsSection.Proof(
                kind: filesystems[index].kind.word, world: world, acknowledged: written[index].count, found: own.map(\.found).min() ?? 0,
                readIn: own.map(\.task.region.name), missing: Array(missing.prefix(20)))
        }
    }

    private func record(_ plan: FaultPlan, _ marks: FaultMarks, _ results: [CellResult]) -> FaultsSection.Record {
        func seconds(_ instant: Instant) -> Double { Figure.rounded((instant - marks.began).inMilliseconds / 1_000, 3) }
        let probes = results.compactMap { $0.cursor as? FaultProbe }
        let clients = probes.map { probe in
            FaultsSection.Client(
                kind: probe.task.kind.word, region: probe.task.region.name, operation: probe.plan.job.rawValue, attempts: probe.attempts,
                succeeded: probe.successes.count,
                succeededMeanwhile: probe.successes.count { marks.broken <= $0 && $0 < marks.mending },
                acknowledged: probe.acknowledged.count,
                outages: probe.outages.map { .init(fromS: seconds($0.from), toS: seconds($0.to), cause: $0.cause.description) },
                hasEnded: probe.gaveUp == nil)
        }
        let last = probes.flatMap { probe in probe.successes.suffix(1) + probe.outages.suffix(1).map(\.to) }.max() ?? marks.mended
        return FaultsSection.Record(
            fault: plan.kind.rawValue, region: plan.region.name, world: world, brokenS: seconds(marks.broken),
            mendingS: seconds(marks.mending), mendedS: seconds(marks.mended), endedS: seconds(max(last, marks.mended)), clients: clients)
    }
}
