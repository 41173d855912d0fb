import ArgumentParser
import Foundation

/// `--mount volume/NAME:/path[:ro]` of `atoll run`.
struct RunMount: ExpressibleByArgument, Sendable {
    let source: String
    let path: String
    let readOnly: Bool

    init?(argument: String) {
        var words = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        readOnly = words.count == 3 && words.last == "ro"
        if readOnly { words.removeLast() }
        guard words.count == 2, ["volume/", "nfs/"].contains(where: { words[0].hasPrefix($0) && words[0].count > $0.count }) else {
            return nil
        }
        (source, path) = (words[0], words[1])
    }

    /// As mounts are given to programs: canonical, absolute, and not where the system has its own.
    var obstacle: String? {
        guard path.hasPrefix("/"), path == (path as NSString).standardizingPath else { return "\(path) is no canonical absolute path" }
        guard !["/", "/root", "/tmp"].contains(path) else { return "\(path) is no place for a mount" }
        return nil
    }
}

/// A directory for a mount of `atoll run`, made where there is none and taken away again.
struct RunPlace {
    let path: String
    private var made: [String] = []

    init(_ path: String) throws {
        self.path = path
        var missing: [String] = []
        var current = path
        while access(current, F_OK) != 0, current != "/" {
            missing.append(current)
            current = (current as NSString).deletingLastPathComponent
        }
        for folder in missing.reversed() {
            guard mkdir(folder, 0o755) == 0 else {
                throw CommandFailure("run", folder, MountPoint.words, hint: "make it, or choose another place")
            }
            made.insert(folder, at: 0)
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw CommandFailure("run", path, "it is no directory", hint: "choose a directory")
        }
    }

    func remove() { for folder in made { rmdir(folder) } }
}
