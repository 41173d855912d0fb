import Foundation
import NodeRuntime

/// What a node needs of the machine it runs on.
struct MachineExamination {
    /// Where data lie, or would.
    let directory: String
    /// Of a local cluster: each node may have a disk of its own.
    var nodes: [Node] = []

    /// Where a node keeps its data, and below how many free bytes it refuses writes.
    struct Node {
        var name: String
        var data: String
        var reserve: UInt64
    }

    /// Such nodes of a local cluster; a configuration that can not be read has the default reserve.
    static func nodes(of cluster: ClusterDirectory) -> [Node] {
        guard let file = try? ClusterFile.read(cluster, "doctor") else { return [] }
        return file.nodes.map { node in
            let config = try? ReadConfig.read(cluster.configuration(node.name))
            return Node(
                name: node.name, data: config?.dataDirectory ?? cluster.data(node.name),
                reserve: config?.limits.diskReserveBytes ?? reserve)
        }
    }

    /// The default of `limits.disk_reserve_bytes`.
    private static let reserve: UInt64 = 1 << 30
    /// Sockets of clients and peers, packs, log segments.
    private static let wantedFiles = 4_096
    private static let wantedMemory: UInt64 = 512 << 20
    private static let syncs = 40

    func findings() async -> [Finding] {
        [openFiles, memory, fuse] + disks + [sync(in: existing)]
    }

    private var openFiles: Finding {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let found = "a process may open \(limit.rlim_cur) files, \(limit.rlim_max) if it asks"
        guard limit.rlim_max >= rlim_t(Self.wantedFiles) else {
            return Finding(.doubtful, "open files", "\(found); raise it to \(Self.wantedFiles): `ulimit -Hn`, or LimitNOFILE= of the unit")
        }
        return Finding(.good, "open files", found)
    }

    private var memory: Finding {
        let fields = (try? LocalFiles.text("/proc/meminfo")) ?? ""
        let line = fields.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        guard let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) }) else {
            return Finding(.note, "memory", "/proc/meminfo does not say how much is available")
        }
        let found = "\(Show.bytes(kibibytes << 10)) are available"
        guard kibibytes << 10 >= Self.wantedMemory else {
            return Finding(.doubtful, "memory", "\(found); a node wants about 100 MiB and its cache (limits.cache_bytes)")
        }
        return Finding(.good, "memory", found)
    }

    private var fuse: Finding {
        access("/dev/fuse", R_OK | W_OK) == 0
            ? Finding(.good, "mounts", "/dev/fuse can be used")
            : Finding(.note, "mounts", "/dev/fuse can not be used by this user: no mounts; everything else works")
    }

    /// The nearest directory that exists.
    private var existing: String {
        var path = directory
        while !LocalFiles.exists(path), path != "/" { path = URL(fileURLWithPath: path).deletingLastPathComponent().path }
        return path
    }

    /// A finding for each disk on which something lies: the cluster's directory, and what nodes have elsewhere.
    private var disks: [Finding] {
        var places: [(device: UInt, path: String, names: [String], reserve: UInt64)] = []
        func add(_ path: String, _ name: String?, _ reserve: UInt64) {
            var status = stat()
            guard stat(path, &status) == 0 else { return }
            let place = places.firstIndex { $0.device == UInt(status.st_dev) } ?? places.count
            if place == places.count { places.append((UInt(status.st_dev), path, [], 0)) }
            if let name { places[place].names.append(name) }
            places[place].reserve = max(places[place].reserve, reserve)
        }
        for node in nodes { add(node.data, node.name, node.reserve) }
        add(existing, nil, nodes.isEmpty ? Self.reserve : 0)
        return places.compactMap { space(at: $0.path, of: $0.names, reserve: $0.reserve) }
    }

    private func space(at path: String, of names: [String], reserve: UInt64) -> Finding? {
        var system = statvfs()
        guard statvfs(path, &system) == 0 else { return nil }
        let free = UInt64(system.f_bavail) * UInt64(system.f_frsize)
        let whose = names.isEmpty || names.count == nodes.count ? "" : ", where the data of \(names.joined(separator: ", ")) lie"
        let found = "\(Show.bytes(free)) are free at \(path)\(whose)"
        let advice = "a node refuses writes below \(Show.bytes(reserve)) (limits.disk_reserve_bytes): make room"
        if free < reserve { return Finding(.wrong, "disk space", "\(found); \(advice)") }
        if free < 2 * reserve { return Finding(.doubtful, "disk space", "\(found); \(advice)") }
        return Finding(.good, "disk space", found)
    }

    /// The time of one fdatasync, which bounds every commit from below.
    private func sync(in folder: String) -> Finding {
        let path = "\(folder)/.atoll-doctor-\(getpid())"
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { return Finding(.wrong, "disk", "\(folder) can not be written: \(String(cString: strerror(errno)))") }
        defer {
            close(file)
            unlink(path)
        }
        let block = [UInt8](repeating: 0xa7, count: 4_096)
        var times: [Double] = []
        for _ in 0..<Self.syncs {
            let began = ContinuousClock.now
            guard pwrite(file, block, block.count, 0) == block.count, fdatasync(file) == 0 else {
                return Finding(.wrong, "disk", "writing at \(folder): \(String(cString: strerror(errno)))")
            }
            times.append((ContinuousClock.now - began) / .milliseconds(1))
        }
        let median = times.sorted()[times.count / 2]
        let found = "fdatasync of 4 KiB at \(folder) takes \(Show.milliseconds(median)) ms (median of \(times.count))"
        return median < 20
            ? Finding(.good, "disk", found) : Finding(.doubtful, "disk", "\(found); each commit waits for two of them: use a faster disk")
    }
}
