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
    let options: ComparisonOptions
    let progress: @Sendable (String) -> Void

    package init(
        client: any WorkloadClient, clock: any RunClock = MachineClock(), cells: (any CellRunner)? = nil, options: ComparisonOptions,
        progress: @escaping @Sendable (String) -> Void
    ) {
        self.client = client
        self.clock = clock
        self.cells = cells ?? LiveCells(client: client, clock: clock)
        self.options = options
        self.progress = progress
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
                let name = "compare-\(kind.word)-\(Hex.encode(withUnsafeBytes(of: options.nonce.bigEndian, Array.init)))"
                progress("creating \(kind.noun) \(name) in \(options.primary)")
                filesystems.append(try await client.createFilesystem(named: name, kind: kind, primary: options.primary))
            }
            for (index, workload) in options.workloads.enumerated() {
                for (kind, filesystem) in zip(options.kinds, filesystems) {
                    try Task.checkCancellation()
                    let scale = scale(workload, index: index, kind: kind, elapsed: clock.now() - started)
                    if scale < 1 {
                        gathered.notes.append(
                            "\(workload.name), \(kind.noun): cells cut to \(Int(scale * 100)) % of their time, as the run was late.")
                    }
                    try await measure(
                        workload.scaled(scale), kind: kind, on: filesystem, from: regions, inputs: sets[index], into: &gathered)
                }
            }
        } catch  where options.tellsPartly && Task.isCancelled && !gathered.table.rows.isEmpty {
            gathered.notes.append("The run was interrupted: what it had not come to is missing.")
        } catch {
            await delete(filesystems)
            throw error
        }
        await delete(filesystems)
        // Described again: by now the members have measured their round trips many times.
        let after = (try? await client.describe()) ?? cluster
        return report(gathered, cluster: after, regions: regions, duration: clock.now() - started)
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

    /// In a task of its own: an interrupted run cleans up too.
    private func delete(_ filesystems: [FilesystemID]) async {
        guard !options.keep else { return }
        let client = client
        let progress = progress
        await Task {
            for filesystem in filesystems {
                do {
                    try await client.deleteFilesystem(filesystem)
                } catch {
                    progress("warning: \(filesystem) could not be deleted: \(error)")
                }
            }
        }.value
    }

    /// The share of its time that a workload gets, so that the rest fits into the budget.
    private func scale(_ workload: Workload, index: Int, kind: FilesystemKind, elapsed: Duration) -> Double {
        func nominal(_ workload: Workload) -> Double {
            let cell = workload.limits.cold.inMilliseconds + workload.limits.warm.inMilliseconds
            return Double(workload.repetitions) * cell * 2
        }
        let kindsLeft = options.kinds.count - (options.kinds.firstIndex(of: kind) ?? 0)
        var needed = nominal(workload) * Double(kindsLeft)
        for later in options.workloads[(index + 1)...] { needed += nominal(later) * Double(options.kinds.count) }
        let left = options.budget.inMilliseconds - elapsed.inMilliseconds
        return needed <= left ? 1 : max(0.25, left / needed)
    }
}

extension Workload {
    /// The same with its cells' time cut to a share.
    func scaled(_ share: Double) -> Workload {
        guard share < 1 else { return self }
        var copy = self
        copy.limits.cold = .nanoseconds(Int64(Double(limits.cold.inNanoseconds) * share))
        copy.limits.warm = .nanoseconds(Int64(Double(limits.warm.inNanoseconds) * share))
        return copy
    }
}
