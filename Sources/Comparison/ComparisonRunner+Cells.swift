internal import Filesystem
internal import Primitives
internal import Reports
internal import Workloads

// One workload on one kind.
extension ComparisonRunner {
    func measure(
        _ workload: Workload, kind: FilesystemKind, on filesystem: FilesystemID, from regions: [RegionID], inputs: InputSet,
        into gathered: inout Gathered
    ) async throws {
        if let trace = workload.trace {
            return try await replay(trace, as: workload, kind: kind, on: filesystem, from: regions, into: &gathered)
        }
        let stamp = ContentStamp(SeededGenerator.mix(options.nonce &+ SeededGenerator.mix(workload.seed) &+ UInt64(kind.rawValue)))
        let place = CellPlace(filesystem: filesystem, inputs: inputs, stamp: stamp)
        let put = try await prepare(workload, kind, place, into: &gathered)
        let before = try await client.linkBytes()
        for repetition in 0..<workload.repetitions {
            try Task.checkCancellation()
            let cells = regions.flatMap { region in
                (0..<workload.clients).map { client in
                    let task = WorkloadTask(kind: kind, region: region, part: .cell(repetition: repetition), client: client)
                    return WorkloadCursor(workload, task: task, inventory: inputs.inventory, put: put)
                }
            }
            let started = clock.now()
            await runCells(cells, kind: kind, place, workload, into: &gathered)
            let took = (clock.now() - started).inMilliseconds
            progress(
                "\(workload.name) \(kind.word): repetition \(repetition + 1) of \(workload.repetitions), \(regions.count) "
                    + "regions, \(Figure.duration(took))"
            )
        }
        gathered.traffic += traffic(workload, kind, "measure", from: before, to: try await client.linkBytes())
    }

    private func prepare(
        _ workload: Workload, _ kind: FilesystemKind, _ place: CellPlace, into gathered: inout Gathered
    ) async throws -> WorkloadCursor.PutCounts {
        let inventory = place.inputs.inventory
        progress("\(workload.name) \(kind.word): preparing \(preparationText(workload, inventory))")
        let before = try await client.linkBytes()
        let started = clock.now()
        let task = WorkloadTask(kind: kind, region: options.primary, part: .prepare)
        let say = progress
        let prepared = await cells.run([WorkloadCursor(workload, task: task, inventory: inventory)], at: place) { put in
            say("\(workload.name) \(kind.word): put \(put.tree + put.large) files, \(Figure.bytes(put.bytes))")
        }
        guard let result = prepared.first else { throw CancellationError() }
        if let failure = result.gaveUp ?? result.samples.compactMap(\.failure).first {
            throw ComparisonError("\(workload.name) on a \(kind.noun): the preparation failed: \(failure)")
        }
        for sample in result.samples { gathered.table.add(sample) }
        let seconds = (clock.now() - started).inMilliseconds / 1_000
        let summary = ComparisonReport.InputSummary(
            kind: kind.word, treeFiles: result.put.tree, largeFiles: result.put.large, bytes: result.put.bytes,
            seconds: Figure.rounded(seconds, 3), origin: place.inputs.origin)
        gathered.inputs[workload.name, default: []].append(summary)
        if result.put.tree < inventory.tree.count || (result.put.large > 0 && result.put.large < inventory.large.count) {
            gathered.notes.append(
                "\(workload.name), \(kind.noun): the preparation's time was up after \(result.put.tree + result.put.large) of "
                    + "\(inventory.tree.count + inventory.large.count) files."
            )
        }
        gathered.traffic += traffic(workload, kind, "prepare", from: before, to: try await client.linkBytes())
        return result.put
    }

    private func preparationText(_ workload: Workload, _ inventory: InputInventory) -> String {
        var parts: [String] = []
        if !inventory.tree.isEmpty { parts.append("\(inventory.tree.count) small files") }
        if !inventory.large.isEmpty {
            parts.append("\(Figure.bytes(inventory.large.reduce(0) { $0 + $1.size })) of large files")
        }
        if workload.inputs.records > 0 { parts.append("\(workload.inputs.records) records") }
        return Figure.joined(parts)
    }

    /// The primary region's client alone, then the others: at once or in turn. Clients that want the same
    /// thing all run at once.
    private func runCells(
        _ cells: [WorkloadCursor], kind: FilesystemKind, _ place: CellPlace, _ workload: Workload, into gathered: inout Gathered
    ) async {
        let together = kind == .nfs && workload.concurrentRegions && options.concurrentRegions
        guard workload.clients == 1 else { return await runContended(cells, place, workload, kind, into: &gathered) }
        guard let home = cells.first else { return }
        await runAlone(home, place, workload, into: &gathered)
        guard together else {
            for cell in cells.dropFirst() { await runAlone(cell, place, workload, into: &gathered) }
            return
        }
        let away = Array(cells.dropFirst())
        let results = await self.cells.run(away, at: place) { _ in }
        for (cell, result) in zip(away, results) { take(result, cell, into: &gathered) }
    }

    private func runContended(
        _ cells: [WorkloadCursor], _ place: CellPlace, _ workload: Workload, _ kind: FilesystemKind, into gathered: inout Gathered
    ) async {
        let started = clock.now()
        let results = await self.cells.run(cells, at: place) { _ in }
        let took = clock.now() - started
        for (cell, result) in zip(cells, results) { take(result, cell, into: &gathered) }
        gathered.contention.add(workload.name, kind, clients: cells.count, results, took: took)
    }

    private func runAlone(_ cell: WorkloadCursor, _ place: CellPlace, _ workload: Workload, into gathered: inout Gathered) async {
        let countsLinks = workload.count(.putRevision, .cold) > 0
        let before = countsLinks ? try? await client.linkBytes() : nil
        guard let result = await cells.run([cell], at: place, note: { _ in }).first else { return }
        take(result, cell, into: &gathered)
        guard let before, let after = try? await client.linkBytes() else { return }
        let logical = result.samples.filter { $0.operation == .putRevision && $0.failure == nil }.reduce(0) { $0 + $1.bytesWritten }
        noteDedup(workload, cell.task, logical: logical, moved: Self.moved(before, after), regions: clusterRegions(after), into: &gathered)
    }

    private func take(_ result: CellResult, _ cell: WorkloadCursor, into gathered: inout Gathered) {
        let task = cell.task
        take(result, "\(cell.workload.name) \(task.kind.word) from \(task.region), repetition \(task.repetition + 1)", into: &gathered)
    }

    func take(_ result: CellResult, _ cellName: String, into gathered: inout Gathered) {
        for sample in result.samples {
            gathered.table.add(sample)
            // Each cause is told once for each operation and kind.
            // That another commit was first is what contention is.
            guard let failure = sample.failure, sample.operation != .tryCommit || failure.code != .conflict else { continue }
            let what = "\(sample.workload) \(sample.kind.word): \(sample.operation.rawValue)"
            guard !gathered.failures.contains("\(what) \(failure.code)") else { continue }
            gathered.failures.append("\(what) \(failure.code)")
            progress("warning: \(what) from \(sample.region) failed: \(failure)")
            gathered.notes.append("\(what) failed, first so: \(failure)")
        }
        guard let failure = result.gaveUp else { return }
        progress("warning: \(cellName) ended early: \(failure)")
        gathered.notes.append("\(cellName) ended early: \(failure)")
    }
}

// Bytes over links.
extension ComparisonRunner {
    private static func moved(_ before: [LinkBytes], _ after: [LinkBytes]) -> UInt64 {
        difference(before, after).reduce(0) { $0 + $1.bytes }
    }

    /// A node that was restarted counts from 0 again: never below 0.
    static func difference(_ before: [LinkBytes], _ after: [LinkBytes]) -> [LinkBytes] {
        after.filter { $0.from != $0.to }.map { link in
            let earlier = before.first { $0.from == link.from && $0.to == link.to }?.bytes ?? 0
            return LinkBytes(from: link.from, to: link.to, bytes: link.bytes >= earlier ? link.bytes - earlier : link.bytes)
        }
    }

    private func clusterRegions(_ links: [LinkBytes]) -> Int {
        var names: [RegionID] = []
        for region in links.flatMap({ [$0.from, $0.to] }) where !names.contains(region) { names.append(region) }
        return names.count
    }

    func traffic(_ workload: Workload, _ kind: FilesystemKind, _ phase: String, from before: [LinkBytes], to after: [LinkBytes])
        -> [TrafficRow]
    {
        Self.difference(before, after).sorted { ($0.from, $0.to) < ($1.from, $1.to) }.map { link in
            let price = options.map.link(from: link.from, to: link.to)?.dollarsPerGigabyte ?? 0
            return TrafficRow(
                workload: workload.name, kind: kind.word, phase: phase, from: link.from.name, to: link.to.name, bytes: link.bytes,
                usd: Figure.rounded(Double(link.bytes) / 1e9 * price, 9))
        }
    }

    private func noteDedup(
        _ workload: Workload, _ task: WorkloadTask, logical: UInt64, moved: UInt64, regions: Int, into gathered: inout Gathered
    ) {
        let isHome = task.region == options.primary
        let destinations = task.kind == .volume ? max(0, regions - 1) : isHome ? 0 : 1
        let place = gathered.dedup.firstIndex {
            $0.workload == workload.name && $0.kind == task.kind.word && $0.region == task.region.name
        }
        let earlier = place.map { gathered.dedup[$0] }
        let row = DedupRow(
            workload: workload.name, kind: task.kind.word, region: task.region.name, logicalBytes: logical + (earlier?.logicalBytes ?? 0),
            wanBytes: moved + (earlier?.wanBytes ?? 0), destinations: destinations)
        if let place { gathered.dedup[place] = row } else { gathered.dedup.append(row) }
    }
}
