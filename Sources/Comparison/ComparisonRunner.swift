internal import Filesystem
internal import Primitives
package import Reports
internal import Workloads

/// Runs workloads from a client in each region against both kinds of file system and makes the
/// report of it.
///
/// For each workload and kind: preparation from the primary region; then, for each repetition, the
/// client in the primary region alone, and after it the clients of the other regions. On a network
/// file system those wait for the wide area nearly all the time, so they may run at the same time;
/// on a volume they work on this machine's processors, so they run one after the other. The kinds
/// are measured one after the other, never together. Content is stamped so that neither kind finds
/// the other's chunks.
package struct ComparisonRunner: Sendable {
    let client: any WorkloadClient
    let clock: any RunClock
    let cells: any CellRunner
    let stage: (any FaultStage)?
    let options: ComparisonOptions
    let progress: @Sendable (String) -> Void

    package init(
        client: any WorkloadClient, clock: any RunClock = MachineClock(), cells: (any CellRunner)? = nil,
        stage: (any FaultStage)? = nil, options: ComparisonOptions, progress: @escaping @Sendable (String) -> Void
    ) {
        self.client = client
        self.clock = clock
        self.cells = cells ?? LiveCells(client: client, clock: clock, recorder: options.recorder)
        self.stage = stage
        self.options = options
        self.progress = progress
    }

    /// Of a cluster that runs and may be broken for a while.
    package init(
        client: any WorkloadClient, breaking injector: any FaultInjector, options: ComparisonOptions,
        progress: @escaping @Sendable (String) -> Void
    ) {
        let clock = MachineClock()
        let cells = LiveCells(client: client, clock: clock, recorder: options.recorder)
        self.init(
            client: client, clock: clock, cells: cells, stage: LiveFaultStage(cells: cells, clock: clock, injector: injector),
            options: options, progress: progress)
    }

    /// What a run gathers.
    struct Gathered: Sendable {
        var table = MeasurementTable()
        var traffic: [TrafficRow] = []
        var dedup: [DedupRow] = []
        var inputs: [String: [ComparisonReport.InputSummary]] = [:]  // by workload; looked up only
        var notes: [String] = []
        /// Causes of failures that were told.
        var failures: [String] = []
        var faults: FaultsSection?
        var contention = Contention()
        /// Time that preparation and cells were to take, of those that were done.
        var planned = Duration.zero
    }

    package func run() async throws -> ComparisonReport {
        let started = clock.now()
        let cluster = try await client.describe()
        let regions = try regions(of: cluster)
        let sets = try findInputs()
        var filesystems: [FilesystemID] = []
        var gathered = Gathered()
        do {
            for kind in options.kinds {
                if let own = options.existing[kind] {
                    filesystems.append(own)
                    continue
                }
                let name = "compare-\(kind.word)-\(Hex.encode(withUnsafeBytes(of: options.nonce.bigEndian, Array.init)))"
                progress("creating \(kind.noun) \(name) in \(options.primary)")
                filesystems.append(try await client.createFilesystem(named: name, kind: kind, primary: options.primary))
            }
            for (index, workload) in options.workloads.enumerated() {
                // The same for both kinds.
                let scale = scale(index, elapsed: clock.now() - started, planned: gathered.planned)
                if scale < 1 {
                    gathered.notes.append("\(workload.name): preparation and cells cut to \(Int(scale * 100)) % of their time.")
                }
                for (kind, filesystem) in zip(options.kinds, filesystems) {
                    try Task.checkCancellation()
                    try await measure(
                        workload.scaled(scale), kind: kind, on: filesystem, from: regions, inputs: sets[index], into: &gathered)
                    gathered.planned += Self.planned(workload)
                }
            }
        } catch  where options.tellsPartly && Task.isCancelled && !gathered.table.rows.isEmpty {
            gathered.notes.append("The run was interrupted: what it had not come to is missing.")
        } catch {
            await delete(filesystems)
            throw error
        }
        // Described again: by now the members have measured their round trips many times.
        let after = (try? await client.describe()) ?? cluster
        await breakThings(filesystems, regions, into: &gathered)
        await delete(filesystems)
        return report(gathered, cluster: after, regions: regions, duration: clock.now() - started)
    }

    /// Last, so that nothing that is measured is disturbed.
    private func breakThings(_ filesystems: [FilesystemID], _ regions: [RegionID], into gathered: inout Gathered) async {
        if let leftOut = options.faultsLeftOut {
            gathered.faults = FaultsSection()
            gathered.faults?.leftOut = leftOut
        }
        guard let stage, let faults = options.faults, !Task.isCancelled else { return }
        let phase = FaultPhase(
            cells: cells, stage: stage, options: faults, map: options.map, primary: options.primary, regions: regions,
            filesystems: Array(zip(options.kinds, filesystems).map { (kind: $0, id: $1) }), seed: SeededGenerator.mix(options.nonce),
            world: options.world, progress: progress)
        let outcome = await phase.run()
        for sample in outcome.samples { gathered.table.add(sample) }
        gathered.faults = outcome.section
        gathered.faults?.unmended = outcome.unmended?.description
        if let leftOut = outcome.section.leftOut { progress("warning: faults: \(leftOut)") }
    }

    private func regions(of cluster: ClusterDescription) throws -> [RegionID] {
        var names = options.regions ?? cluster.regions
        for region in names + [options.primary] {
            guard cluster.regions.contains(region) else {
                throw ComparisonError(
                    "region \(region): the cluster has no node there; it has \(cluster.regions.map(\.name).joined(separator: ", "))")
            }
            guard options.map.contains(region) else {
                throw UnknownRegion(name: region.name, map: options.map.name, known: options.map.regions.map(\.id.name))
            }
        }
        names.removeAll { $0 == options.primary }
        return [options.primary] + names.sorted()
    }

    private func findInputs() throws -> [InputSet] {
        guard !options.workloads.isEmpty else { throw ComparisonError("compare: no workload was named") }
        if let inputs = options.inputs { return inputs }
        progress("looking for files in \(options.inputFolder ?? "the machine's own directories")")
        let finder = InputFinder(folder: options.inputFolder)
        return try options.workloads.map { try finder.inputs(for: $0) }
    }

    /// In a task of its own: an interrupted run cleans up too. After faults the first tries may find
    /// nobody who leads.
    private func delete(_ filesystems: [FilesystemID]) async {
        guard !options.keep else { return }
        let (client, clock, progress) = (client, clock, progress)
        let existing = options.kinds.compactMap { options.existing[$0] }
        await Task {
            for filesystem in filesystems where !existing.contains(filesystem) {
                for attempt in 1...Self.deletionTries {
                    do {
                        try await client.deleteFilesystem(filesystem)
                        break
                    } catch  where attempt < Self.deletionTries && (error as? FileFailure)?.code.isRetryable == true {
                        await clock.sleep(.milliseconds(500))
                    } catch {
                        progress("warning: \(filesystem) could not be deleted: \(error)")
                        break
                    }
                }
            }
        }.value
    }
    private static let deletionTries = 20

    /// The share of its time that a workload gets, so that the rest fits into the budget. How long the
    /// rest takes is told by how long what was done took, measured by its plan: before anything was done,
    /// half.
    private func scale(_ index: Int, elapsed: Duration, planned: Duration) -> Double {
        let kinds = Double(options.kinds.count)
        let rest = options.workloads[index...].reduce(0.0) { $0 + Self.planned($1).inMilliseconds * kinds }
        let pace = planned > .zero ? max(0.1, min(10, elapsed.inMilliseconds / planned.inMilliseconds)) : 0.5
        let left = options.budget.inMilliseconds - elapsed.inMilliseconds
        return rest * pace <= left ? 1 : max(0.1, left / (rest * pace))
    }

    /// One workload on one kind: preparation, then in each repetition the primary region and the others.
    private static func planned(_ workload: Workload) -> Duration {
        workload.limits.prepare + (workload.limits.cold + workload.limits.warm) * (2 * workload.repetitions)
    }
}

extension Workload {
    /// The same with its preparation's and its cells' time cut to a share.
    func scaled(_ share: Double) -> Workload {
        guard share < 1 else { return self }
        var copy = self
        copy.limits.prepare = .nanoseconds(Int64(Double(limits.prepare.inNanoseconds) * share))
        copy.limits.cold = .nanoseconds(Int64(Double(limits.cold.inNanoseconds) * share))
        copy.limits.warm = .nanoseconds(Int64(Double(limits.warm.inNanoseconds) * share))
        return copy
    }
}
