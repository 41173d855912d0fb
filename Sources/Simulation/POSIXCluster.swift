import Filesystem
import Primitives
package import Workloads

/// A network file system of a simulated cluster: each client is a session at the node of its region. Nobody keeps what
/// it was told of names and attributes, so that every call must see what the call before it did, wherever that was made.
package struct POSIXCluster: POSIXBackend {
    private var run: WorkloadRun
    private let regions: [RegionID]
    private var sessions: [SessionID] = []
    /// Each history has a directory of its own, which its absolute paths and targets begin with.
    private var prefix = ""
    private var histories = 0

    package init(map: RegionMap, machines: [WorldOptions.Machines], clients: Int, seed: UInt64) throws {
        regions = machines.map(\.region)
        run = WorkloadRun(WorkloadRun.Options(world: WorldOptions(map: map, machines: machines), seed: seed, costs: .none))
        try run.start()
        let filesystem = try run.create("histories", .nfs, home: regions[0])
        for client in 0..<clients {
            let region = regions[client % regions.count]
            sessions.append(try run.openSession(filesystem, in: region, SessionOptions(attributeCache: .zero)))
        }
    }

    /// One history; nil where the cluster behaves as the model.
    package mutating func check(seed: UInt64, count: Int) -> POSIXFailure? {
        let history = POSIXHistory(seed: seed, count: count, clients: sessions.count, holds: false)
        guard let difference = difference(history) else { return nil }
        var other = self
        return POSIXFailure(seed: seed, difference: difference, shrunk: history.shrunk(runs: 150) { other.difference($0) != nil })
    }

    private mutating func difference(_ history: POSIXHistory) -> POSIXHistory.Difference? {
        histories += 1
        prefix = "/h\(histories)"
        _ = ask(0, .makeDirectory(path: FilePath(prefix)!, mode: 0o755, parents: false))
        return history.check(&self)
    }

    private func path(_ text: String) -> FilePath { FilePath(prefix + text)! }

    private mutating func ask(_ client: Int, _ operation: FileOperation, _ payload: [UInt8]? = nil) -> Result<
        (FileValue, [UInt8]), FileFailure
    > {
        let region = regions[client % regions.count]
        do throws(FileFailure) {
            return .success(try run.perform(operation, session: sessions[client], in: region, content: payload))
        } catch { return .failure(error) }
    }

    package mutating func perform(_ call: POSIXCall) -> POSIXAnswer? {
        switch call.kind {
        case .create(let path, let exclusive):
            return opened(call.client, path, .create(mode: 0o644, exclusive: exclusive, truncate: false)) { _, _, _ in .done }
        case .write(let path, let offset, let length, let tag):
            return opened(call.client, path, .write) { cluster, handle, _ in
                let operation = FileOperation.write(handle: handle, offset: offset.map { UInt64($0) } ?? .max)
                if case .failure(let failure) = cluster.ask(call.client, operation, POSIXCall.bytes(tag, length)) {
                    return .failed(failure.code)
                }
                return .done
            }
        case .read(let path):
            return opened(call.client, path, .read) { cluster, handle, attributes in
                let length = UInt32(clamping: max(1, attributes.size))
                switch cluster.ask(call.client, .read(handle: handle, offset: 0, length: length)) {
                case .failure(let failure): return .failed(failure.code)
                case .success(let (_, bytes)): return .bytes(bytes)
                }
            }
        default: return answer(call.client, operation(call.kind))
        }
    }

    /// Opens, does something, closes: the first failure counts.
    private mutating func opened(
        _ client: Int, _ path: String, _ mode: OpenMode, _ body: (inout POSIXCluster, HandleID, FileAttributes) -> POSIXAnswer
    ) -> POSIXAnswer? {
        switch ask(client, .open(path: self.path(path), mode: mode)) {
        case .failure(let failure): return .failed(failure.code)
        case .success(let (value, _)):
            guard case .opened(let handle, let attributes) = value else { return nil }
            let answer = body(&self, handle, attributes)
            if case .failure(let failure) = ask(client, .close(handle: handle, abandon: false)), answer == .done {
                return .failed(failure.code)
            }
            return answer
        }
    }

    private func operation(_ kind: POSIXCall.Kind) -> FileOperation {
        switch kind {
        case .truncate(let path, let size): .setAttributes(path: self.path(path), changes: AttributeChanges(size: UInt64(size)))
        case .makeDirectory(let path): .makeDirectory(path: self.path(path), mode: 0o755, parents: false)
        case .remove(let path): .remove(path: self.path(path), recursive: false)
        case .rename(let from, let to, let noReplace): .rename(from: path(from), to: path(to), noReplace: noReplace)
        case .link(let old, let new): .link(existing: path(old), new: path(new))
        case .symlink(let target, let path):
            .symlink(target: Array((target.hasPrefix("/") ? prefix + target : target).utf8), path: self.path(path))
        case .readLink(let path): .readLink(path: self.path(path))
        case .stat(let path, let follow): .stat(path: self.path(path), followLinks: follow)
        case .list(let path): .list(path: self.path(path == "/" ? "" : path), cookie: 0, limit: 10_000)
        case .setMode(let path, let mode): .setAttributes(path: self.path(path), changes: AttributeChanges(mode: mode))
        case .setModified(let path, let time):
            .setAttributes(path: self.path(path), changes: AttributeChanges(modified: WallTime(nanoseconds: time)))
        case .setXattr(let path, let name, let tag):
            .setXattr(path: self.path(path), name: Array(name.utf8), value: POSIXCall.bytes(tag, 9))
        case .getXattr(let path, let name): .getXattr(path: self.path(path), name: Array(name.utf8))
        case .removeXattr(let path, let name): .removeXattr(path: self.path(path), name: Array(name.utf8))
        case .listXattrs(let path): .listXattrs(path: self.path(path))
        default: preconditionFailure("no single operation: \(kind)")
        }
    }

    private mutating func answer(_ client: Int, _ operation: FileOperation) -> POSIXAnswer? {
        switch ask(client, operation) {
        case .failure(let failure): return .failed(failure.code)
        case .success(let (value, _)):
            switch value {
            case .attributes(let found):
                guard case .stat = operation else { return .done }
                var size = found.type == .directory ? nil : Int(found.size)
                if found.type == .symlink, let length = size, length > prefix.utf8.count { size = symlinkSize(length, client, operation) }
                return .attributes(
                    POSIXAnswer.Attributes(
                        type: found.type, mode: found.mode, links: found.links, size: size, modified: found.modified.nanoseconds))
            case .entries(let entries, _): return .names(entries.map { String(decoding: $0.name, as: UTF8.self) }.sorted())
            case .link(let bytes): return .bytes(withoutPrefix(bytes))
            case .bytes(let bytes): return .bytes(bytes)
            case .names(let names): return .names(names.map { String(decoding: $0, as: UTF8.self) }.sorted())
            default: return .done
            }
        }
    }

    private func withoutPrefix(_ bytes: [UInt8]) -> [UInt8] {
        bytes.starts(with: prefix.utf8) ? Array(bytes.dropFirst(prefix.utf8.count)) : bytes
    }

    /// A symlink with an absolute target is longer by the prefix.
    private mutating func symlinkSize(_ size: Int, _ client: Int, _ operation: FileOperation) -> Int {
        guard case .stat(let path, _) = operation, case .success(let (.link(target), _)) = ask(client, .readLink(path: path)) else {
            return size
        }
        return size - (target.count - withoutPrefix(target).count)
    }
}
