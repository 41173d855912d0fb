import Comparison
import Filesystem
import Primitives
import Workloads

/// One operation of the model: what it changes, and what it costs.
struct ModelOperation {
    let cluster: ModelCluster
    let region: RegionID
    let session: SessionID
    typealias State = ModelCluster.State

    func run(_ operation: FileOperation, _ payload: [UInt8]?, _ state: inout State) throws(FileFailure) -> (FileOutcome, [UInt8]) {
        guard let opened = state.sessions[session] else { throw failure(.badHandle, "session") }
        let isVolume = opened.filesystem.kind == .volume
        var trips: UInt32 = 0
        var extra = Duration.zero
        var moved: (to: UInt64, back: UInt64) = (0, 0)
        let away = region != cluster.primary
        func remote(_ count: UInt32, to: UInt64 = 200, back: UInt64 = 200) {
            guard !isVolume else { return }
            if away { trips += count }
            moved.to += to * UInt64(count)
            moved.back += back * UInt64(count)
        }
        var value = FileValue.done
        var data: [UInt8] = []
        func file(_ path: FilePath) throws(FileFailure) -> ModelCluster.File {
            let files = isVolume ? opened.files : state.filesystems[opened.filesystem] ?? [:]
            guard let file = files[path.description] else { throw failure(.notFound, path.description) }
            return file
        }
        func set(_ path: FilePath, _ file: ModelCluster.File?) {
            if isVolume {
                state.sessions[session]?.files[path.description] = file
                state.sessions[session]?.changed.insert(path.description)
            } else {
                state.filesystems[opened.filesystem]?[path.description] = file
            }
        }
        switch operation {
        case .stat(let path, _):
            value = .attributes(attributes(try file(path)))
            if !opened.cached.contains(path.description) { remote(1) }
            state.sessions[session]?.cached.insert(path.description)
        case .list(let path, _, _):
            remote(1, back: 4_000)
            value = .entries([], nextCookie: path.components.count > 3 && state.next % 7 == 0 ? 5 : nil)
            state.next += 1
        case .open(let path, let mode):
            var handle = ModelCluster.Handle(session: session, path: path.description)
            switch mode {
            case .read, .write:
                handle.size = try file(path).size
                remote(1)
            case .create:
                handle.writes = true
                set(path, ModelCluster.File(size: 0))
                remote(2)
            case .replace:
                handle.writes = true
                handle.publishesAtClose = true
                set(path, ModelCluster.File(size: 0))
                remote(1)
            }
            state.next += 1
            state.handles[HandleID(state.next)] = handle
            value = .opened(HandleID(state.next), attributes(ModelCluster.File(size: handle.size)))
        case .read(let id, let offset, let length):
            guard let handle = state.handles[id] else { throw failure(.badHandle, "\(id.rawValue)") }
            let count = UInt32(min(UInt64(length), handle.size - min(offset, handle.size)))
            guard count > 0 || handle.size == 0 else { throw failure(.outOfRange, "\(offset)") }
            data = [UInt8](repeating: 0, count: Int(max(count, 1)))
            value = .data(length: UInt32(data.count), endOfFile: offset + UInt64(count) >= handle.size)
            let page = "\(handle.path) \(offset / 4_096)"
            if !opened.cached.contains(page) {
                state.sessions[session]?.cached.insert(page)
                if offset >= handle.readahead || length <= 4_096 {
                    remote(1, back: UInt64(count))
                    state.handles[id]?.readahead = offset + 4 << 20
                } else {
                    moved.back += isVolume ? 0 : UInt64(count)
                }
                if !isVolume { extra = flow(UInt64(count)) }
            }
            extra += .nanoseconds(Int64(count) / 4)
        case .write(let id, _):
            guard let payload else { throw failure(.invalid, "no payload") }
            state.handles[id]?.buffered += UInt64(payload.count)
            state.handles[id]?.size += UInt64(payload.count)
            value = .written(length: UInt32(payload.count))
            extra = .nanoseconds(Int64(payload.count) / 2)
        case .sync(let id), .close(let id, _):
            guard let handle = state.handles[id] else { throw failure(.badHandle, "\(id.rawValue)") }
            if handle.buffered > 0 {
                remote(2)
                moved.to += isVolume ? 0 : handle.buffered
                if !isVolume { extra = flow(handle.buffered) }
                state.sessions[session]?.stagedBytes += handle.buffered
                if let path = FilePath(handle.path) { set(path, ModelCluster.File(size: handle.size)) }
                state.handles[id]?.buffered = 0
            }
            if case .close = operation { state.handles[id] = nil }
        case .makeDirectory(let path, _, _):
            set(path, ModelCluster.File(size: 0, isDirectory: true))
            remote(2)
        case .rename(let from, let to, _):
            let moving = try file(from)
            set(from, nil)
            set(to, moving)
            remote(3)
        case .remove(let path, _):
            _ = try file(path)
            set(path, nil)
            remote(3)
        case .lock(let id, _, _, _):
            guard !isVolume else { throw failure(.notSupported, "lock") }
            state.locks[id, default: 0] += 1
            remote(1)
        case .unlock(let id, _):
            guard (state.locks[id] ?? 0) > 0 else { throw failure(.invalid, "unlock") }
            state.locks[id, default: 0] -= 1
            remote(1)
        case .commit(let options):
            guard isVolume else { throw failure(.notSupported, "commit") }
            var files = state.filesystems[opened.filesystem] ?? [:]
            for path in opened.changed.sorted() { files[path] = opened.files[path] }
            state.filesystems[opened.filesystem] = files
            state.sessions[session]?.changed = []
            state.sessions[session]?.stagedBytes = 0
            for other in cluster.map.regions where other.id != region {
                state.links["\(region) \(other.id)", default: 0] += opened.stagedBytes / 8 + 600
            }
            trips = away ? 2 : 1
            extra = majority + (options.wait == .policy ? .zero : .milliseconds(80))
            if away { extra += toPrimary - trip(1) }
            value = .receipt(CommitReceipt(version: VersionID(1), digest: .zero, conflicts: [], completeRegions: [], changes: 1))
            return finish(value, data, trips: trips, waits: 1, extra: extra, moved: (0, 0), isVolume: true, &state)
        case .reload(let mode, let discard):
            guard isVolume else { throw failure(.notSupported, "reload") }
            guard discard || opened.changed.isEmpty else { throw failure(.conflict, "staged changes") }
            if mode == .latest, away { trips = 1 }
            state.sessions[session]?.files = state.filesystems[opened.filesystem] ?? [:]
            state.sessions[session]?.changed = []
        default:
            throw failure(.notSupported, "\(operation)")
        }
        return finish(value, data, trips: trips, waits: trips, extra: extra, moved: moved, isVolume: isVolume, &state)
    }

    private func finish(
        _ value: FileValue, _ data: [UInt8], trips: UInt32, waits: UInt32, extra: Duration, moved: (to: UInt64, back: UInt64),
        isVolume: Bool,
        _ state: inout State
    ) -> (FileOutcome, [UInt8]) {
        let noise = 0.97 + state.generator.unit() * 0.08
        let local = Duration.nanoseconds(Int64((isVolume ? 220_000 : 780_000) * noise))
        state.now = state.now + local + trip(waits) + extra
        let away = region != cluster.primary
        if away, moved.to + moved.back > 0 {
            state.links["\(region) \(cluster.primary)", default: 0] += moved.to
            state.links["\(cluster.primary) \(region)", default: 0] += moved.back
        }
        let cost = OperationCost(wideAreaRoundTrips: trips, wideAreaBytes: away ? moved.to + moved.back : 0)
        return (FileOutcome(value: value, cost: cost), data)
    }

    private var toPrimary: Duration {
        region == cluster.primary ? .zero : (cluster.map.roundTrip(region, cluster.primary) ?? .zero) + .microseconds(400)
    }
    private func trip(_ count: UInt32) -> Duration { toPrimary * Int(count) }
    private var majority: Duration {
        cluster.map.regions.filter { $0.id != cluster.primary }.compactMap { cluster.map.roundTrip($0.id, cluster.primary) }.min() ?? .zero
    }
    private func flow(_ bytes: UInt64) -> Duration {
        guard region != cluster.primary, let link = cluster.map.link(from: cluster.primary, to: region) else {
            return .nanoseconds(Int64(bytes) * 2)
        }
        return .nanoseconds(Int64(Double(bytes) / Double(link.flowBytesPerSecond) * 1e9))
    }
    private func attributes(_ file: ModelCluster.File) -> FileAttributes {
        let time = WallTime(nanoseconds: 0)
        return FileAttributes(
            inode: .root, type: file.isDirectory ? .directory : .file, mode: 0o644, links: 1, owner: 0, group: 0, size: file.size,
            accessed: time, modified: time, changed: time, changeID: 0)
    }
    private func failure(_ code: FileFailure.Code, _ object: String) -> FileFailure {
        FileFailure(code, operation: "model", object: object, cause: code.word)
    }
}
