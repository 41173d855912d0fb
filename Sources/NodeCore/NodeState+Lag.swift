import Filesystem
import Membership
import Namespace
package import Primitives
import Replication

// How far each region of a volume is behind. Every replica knows which versions it has applied and
// whether the chunks that placement wants on its node are there, and tells the other replicas; each of
// them works out the lag of every region from that and from the history that it has itself.

/// What a node has of a volume.
package struct VolumeProgress: Hashable, Sendable, XDRCodable {
    package var group: GroupID
    package var applied: VersionID
    /// The newest version of which, and of all before, this node has every chunk that it should have.
    package var complete: VersionID
    /// Bytes of chunks of applied versions that are still to come.
    package var missingBytes: UInt64

    package func encode(to writer: inout XDRWriter) {
        writer.write(group)
        writer.write(applied)
        writer.write(complete)
        writer.write(missingBytes)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        group = try reader.value()
        applied = try reader.value()
        complete = try reader.value()
        missingBytes = try reader.uint64()
    }
    init(group: GroupID, applied: VersionID, complete: VersionID, missingBytes: UInt64) {
        self.group = group
        self.applied = applied
        self.complete = complete
        self.missingBytes = missingBytes
    }
}

/// Of one replica: what is still to come here, and what the others said last.
struct LagTable {
    /// Versions whose chunks are not all here, and bytes that each awaits.
    var incoming = OrderedTable<VersionID, UInt64>()
    /// Their chunks. One version after the other is looked for, the oldest first: nothing behind it counts
    /// as whole before it is.
    var awaited = OrderedTable<VersionID, [ChunkReference]>()
    var isLooking = false
    var reports = OrderedTable<NodeID, VolumeProgress>()
    /// What was told last, and when.
    var told: VolumeProgress?
    var toldAt = Instant.zero
    /// When the told progress last changed.
    var changedAt = Instant.zero
}

extension NodeState {
    /// Of a volume with a bound, a version that is whole is told at once, other news at most this often;
    /// of other volumes all news go with the housekeeping.
    private static var reportPause: Duration { .milliseconds(100) }
    /// Lost reports are made good for: every 5 s within a minute of the last change, then each minute.
    private static var repeatPause: Duration { .seconds(5) }
    private static var quietPause: Duration { .seconds(60) }
    /// Chunks looked for at once.
    private static var checkedAtOnce: Int { 4_096 }

    // MARK: What is here

    /// A version was applied that names these chunks.
    mutating func expectChunks(_ chunks: [ChunkReference], of group: GroupID, into effects: inout [Effect]) {
        guard groups.with(group, { $0.filesystem?.kind }) == .volume,
            let version = groups.with(group, { $0.machine.files?.namespace.version }) ?? nil,
            let wanted = placement(of: group)
        else { return }
        var seen: Set<ChunkID> = []
        let mine = chunks.filter { wanted.isTarget(settings.id, of: $0.id) && seen.insert($0.id).inserted }
        guard !mine.isEmpty else { return }
        let bytes = mine.reduce(0) { $0 + UInt64($1.length) }
        _ = groups.update(group) {
            $0.lag.incoming[version] = bytes
            $0.lag.awaited[version] = mine
        }
        awaitNext(group, into: &effects)
    }

    /// Begins to look for the chunks of the oldest version that has not all of them. A request that can not
    /// begin or ends without them is begun again with the housekeeping, never at once.
    mutating func awaitNext(_ group: GroupID, into effects: inout [Effect]) {
        guard let lag = groups.with(group, { $0.lag }), !lag.isLooking, !requests.isFull, let next = lag.awaited.first else { return }
        _ = groups.update(group) { $0.lag.isLooking = true }
        begin(.background(.awaitChunks(group, next.key, next.value)), deadline: now + .seconds(3_600), into: &effects)
    }

    /// Looks until all are here; they are brought by others (pushes, adoption).
    mutating func performAwaitChunks(
        _ group: GroupID, _ version: VersionID, _ chunks: [ChunkReference], _ progress: inout RequestProgress
    ) throws(Interrupt) {
        var left = chunks
        var round = 0
        while !left.isEmpty {
            // A version that is no longer kept, as in a log that is replayed, needs nothing.
            guard groups.with(group, { $0.machine.files?.namespace.history[version] != nil }) == true, let wanted = placement(of: group)
            else { return }
            var missing: [ChunkReference] = []
            for start in stride(from: 0, to: left.count, by: Self.checkedAtOnce) {
                let part = Array(left[start..<min(start + Self.checkedAtOnce, left.count)])
                do throws(Interrupt) {
                    let value = try step(Step(.fetch, round * 4_096 + start / Self.checkedAtOnce), &progress) { node, token in
                        node.laterEffects.append(.chunks(.audit(part, token)))
                    }
                    guard case .missing(let absent) = value else { continue }
                    let gone = Set(absent)
                    missing += part.filter { gone.contains($0.id) }
                } catch {
                    // A store that can not be asked is asked again.
                    guard case .failure = error else { throw error }
                    missing += part
                }
            }
            // What placement wants elsewhere, as the nodes are now, nobody brings here.
            guard missing.contains(where: { wanted.isTarget(settings.id, of: $0.id) }) else { return }
            left = missing
            let bytes = left.reduce(0) { $0 + UInt64($1.length) }
            _ = groups.update(group) { if $0.lag.incoming[version] != nil { $0.lag.incoming[version] = bytes } }
            guard !left.isEmpty else { return }
            let pause = Duration.milliseconds(min(5_000, 50 << min(round, 7)))
            _ = try step(Step(.wait, round), &progress) { node, token in node.pauses.append((node.now + pause, token)) }
            round += 1
        }
    }

    mutating func finishAwaitChunks(
        _ group: GroupID, _ version: VersionID, _ chunks: [ChunkReference], _ failure: FileFailure?, into effects: inout [Effect]
    ) {
        _ = groups.update(group) { $0.lag.isLooking = false }
        guard failure == nil else { return }
        _ = groups.update(group) {
            _ = $0.lag.incoming.remove(version)
            _ = $0.lag.awaited.remove(version)
        }
        tellProgress(group, into: &effects)
        awaitNext(group, into: &effects)
    }

    func progress(of group: GroupID) -> VolumeProgress? { groups.with(group) { $0.progress } ?? nil }

    // MARK: Telling

    /// Tells the other replicas at once where a bound waits for it.
    mutating func tellProgress(_ group: GroupID, into effects: inout [Effect]) {
        guard withRecord(of: group, { $0.policy.durability.isBounded }) == true, let news = progress(of: group),
            let (told, toldAt) = groups.with(group, { ($0.lag.told, $0.lag.toldAt) }), news != told,
            news.complete != told?.complete || toldAt + Self.reportPause <= now
        else { return }
        remember(told: news)
        for replica in withRecord(of: group, { $0.plan.replicas }) ?? [] where replica.node != settings.id {
            effects.append(.send(to: replica.node, .control, .call(CallID(0), .progress([news])), attachment: nil))
        }
    }

    private mutating func remember(told news: VolumeProgress) {
        let time = now
        _ = groups.update(news.group) {
            if $0.lag.told != news { $0.lag.changedAt = time }
            $0.lag.told = news
            $0.lag.toldAt = time
        }
    }

    /// With the housekeeping: what is new, and now and then what is not.
    mutating func tellAllProgress(into effects: inout [Effect]) {
        var byNode = OrderedTable<NodeID, [VolumeProgress]>()
        for id in groups.keys(where: { !$0.lag.awaited.isEmpty && !$0.lag.isLooking }) { awaitNext(id, into: &effects) }
        let time = now
        for id in groups.keys(where: { $0.mayHaveNews(time, Self.repeatPause, Self.quietPause) }) {
            guard let news = progress(of: id) else { continue }
            remember(told: news)
            for replica in withRecord(of: id, { $0.plan.replicas }) ?? [] where replica.node != settings.id {
                if byNode.update(replica.node, { $0.append(news) }) == nil { byNode[replica.node] = [news] }
            }
        }
        for (node, news) in byNode { sendProgress(news, to: node, into: &effects) }
    }

    /// A node that was away knows nothing of us.
    mutating func tellProgress(to peer: NodeID, into effects: inout [Effect]) {
        var news: [VolumeProgress] = []
        for id in groups.keys where withRecord(of: id, { $0.plan.contains(peer) }) == true {
            if let one = progress(of: id) { news.append(one) }
        }
        sendProgress(news, to: peer, into: &effects)
    }

    private func sendProgress(_ news: [VolumeProgress], to node: NodeID, into effects: inout [Effect]) {
        for start in stride(from: 0, to: news.count, by: Call.progressLimit) {
            let part = Array(news[start..<min(start + Call.progressLimit, news.count)])
            effects.append(.send(to: node, .control, .call(CallID(0), .progress(part)), attachment: nil))
        }
    }

    mutating func heard(_ news: [VolumeProgress], from node: NodeID) {
        for report in news { _ = groups.update(report.group) { $0.lag.reports[node] = report } }
    }

    // MARK: Lag

    /// How far each region with a replica is behind the newest version here. A region is as far as the
    /// last of its replicas that are alive; where none is, as the best of them was when it was heard last.
    func lag(of group: GroupID) -> [RegionLag] {
        guard let record = catalog.filesystem(of: group), let files = groups.with(group, { $0.machine.files }) ?? nil else { return [] }
        let history = files.namespace.history
        return record.plan.regions.map { region in
            let known = record.plan.replicas.filter { $0.region == region }.map { replica in
                (
                    isAlive: replica.node == settings.id || swim.member(replica.node)?.status == .alive,
                    progress: heardProgress(of: replica.node, group)
                )
            }
            let alive = known.filter(\.isAlive).map(\.progress)
            let reports =
                alive.isEmpty ? known.map(\.progress).sorted { $0.complete > $1.complete } : alive.sorted { $0.complete < $1.complete }
            guard let report = reports.first else {
                return RegionLag(region: region, version: VersionID(0), commits: 0, bytes: 0, time: .zero, isInTouch: false)
            }
            var lag = RegionLag(region: region, report: report, history: history, now: civil)
            lag.isInTouch = !alive.isEmpty
            return lag
        }
    }

    private func heardProgress(of node: NodeID, _ group: GroupID) -> VolumeProgress {
        if node == settings.id, let own = progress(of: group) { return own }
        return groups[group]?.lag.reports[node]
            ?? VolumeProgress(group: group, applied: VersionID(0), complete: VersionID(0), missingBytes: 0)
    }

    /// The newest version whose content this region has as well, so that reading it asks nobody else: what
    /// those see who can not, or will not, ask. Later ones may be read by those who do ask, from the regions that the
    /// durability keeps their content in.
    func wholeState(of state: NamespaceState, _ group: GroupID, atLeast version: VersionID = VersionID(0)) -> NamespaceState {
        guard let whole = wholeVersion(of: group) else { return state }
        let wanted = max(whole, version)
        // Of those that are kept, the first that is not older.
        return state.asOf(state.history.versions.first { $0.id >= wanted }?.id ?? wanted)
    }

    /// Whether all content of this version lies in this region, as far as is known here.
    func regionHas(_ version: VersionID, of group: GroupID) -> Bool {
        guard let whole = wholeVersion(of: group) else { return false }
        return version <= whole
    }

    private func wholeVersion(of group: GroupID) -> VersionID? {
        guard let record = catalog.filesystem(of: group), let own = progress(of: group) else { return nil }
        var whole = own.complete
        for replica in record.plan.replicas where replica.region == settings.region && replica.node != settings.id {
            // Who has said nothing since this node started may have everything: a volume never seems empty for that.
            guard swim.member(replica.node)?.status == .alive,
                let report = groups.with(group, { $0.lag.reports[replica.node] }) ?? nil
            else { continue }
            whole = min(whole, report.complete)
        }
        return whole
    }

    /// Refuses a commit while a region lags by more than the volume allows.
    func requireBoundedLag(_ session: SessionContext) throws(Interrupt) {
        guard let durability = catalogRecord(session.filesystem)?.policy.durability, durability.isBounded else { return }
        for region in lag(of: session.group) where !durability.allows(lag: region.time, bytes: region.bytes) {
            throw .failure(
                FileFailure(
                    .unavailable, operation: "commit", object: session.filesystem.description,
                    cause: "\(region.region) lags by \(region.words), more than the volume allows (\(durability))",
                    hint: "nothing was published; commit again when it has caught up, see `atoll volume status`"))
        }
    }
}

extension HostedGroup {
    /// What this replica of a volume has; nil for other groups.
    var progress: VolumeProgress? {
        guard filesystem?.kind == .volume, let applied = machine.files?.namespace.version else { return nil }
        var complete = applied
        if let first = lag.incoming.first?.key { complete = VersionID(first.rawValue - min(1, first.rawValue)) }
        var missing: UInt64 = 0
        if !lag.incoming.isEmpty { for (_, bytes) in lag.incoming { missing += bytes } }
        return VolumeProgress(group: id, applied: applied, complete: complete, missingBytes: missing)
    }

    /// Whether the other replicas are to hear how far this one is: something is new, or was told long ago.
    fileprivate func mayHaveNews(_ now: Instant, _ repeatPause: Duration, _ quietPause: Duration) -> Bool {
        guard let progress else { return false }
        let pause = lag.changedAt + quietPause > now ? repeatPause : quietPause
        return progress != lag.told || lag.toldAt + pause <= now
    }
}

extension RegionLag {
    init(region: RegionID, report: VolumeProgress, history: VersionHistory, now: WallTime) {
        var commits: UInt64 = 0
        var bytes = report.missingBytes
        var oldest: WallTime?
        for version in history.versions.reversed() {
            guard version.id > report.complete else { break }
            commits += 1
            oldest = version.time
            // The peer's own figure may be anything.
            if version.id > report.applied { bytes = bytes > .max - version.bytesAdded ? .max : bytes + version.bytesAdded }
        }
        let age = oldest.map { now.nanoseconds.subtractingReportingOverflow($0.nanoseconds) }
        let time = age.map { $0.overflow ? 0 : max(0, $0.partialValue) } ?? 0
        self.init(region: region, version: report.complete, commits: commits, bytes: bytes, time: .nanoseconds(time))
    }
}
