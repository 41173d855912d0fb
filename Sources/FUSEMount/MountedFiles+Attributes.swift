import Filesystem
import Glibc
import Primitives
import Synchronization

// Extended attributes: `user.` and `trusted.` are the file system's; others have meanings that it does not know.

extension MountedFiles {
    /// The kernel asks for security labels before every write: an answer of its own costs nothing.
    private func refused(_ name: [UInt8]) -> FileFailure? {
        if name.starts(with: "security.".utf8) { return .refused(.noData, "get xattr", "no such attributes are kept") }
        if name.starts(with: "system.".utf8) { return .refused(.notSupported, "get xattr", "no such attributes are kept") }
        return nil
    }

    func extendedAttribute(_ number: UInt64, _ name: [UInt8]) async throws(FileFailure) -> [UInt8] {
        if let refused = refused(name) { throw refused }
        let operation = FileOperation.getXattr(path: try path(number), name: name)
        guard case .bytes(let value) = try await ask(operation) else { throw unexpected(operation) }
        return value
    }

    func setExtendedAttribute(_ number: UInt64, _ name: [UInt8], _ value: [UInt8], flags: Int32) async throws(FileFailure) {
        guard refused(name) == nil else { throw .refused(.notSupported, "set xattr", "no such attributes are kept") }
        // XATTR_CREATE, XATTR_REPLACE.
        let rule: XattrRule
        switch flags {
        case 0: rule = .either
        case 1: rule = .create
        case 2: rule = .replace
        default: throw .refused(.invalid, "set xattr", "it takes no such flags")
        }
        try await ask(.setXattr(path: try path(number), name: name, value: value, rule: rule))
    }

    func extendedAttributes(_ number: UInt64) async throws(FileFailure) -> [[UInt8]] {
        let operation = FileOperation.listXattrs(path: try path(number))
        guard case .names(let names) = try await ask(operation) else { throw unexpected(operation) }
        return names
    }

    func removeExtendedAttribute(_ number: UInt64, _ name: [UInt8]) async throws(FileFailure) {
        guard refused(name) == nil else { throw .refused(.notSupported, "remove xattr", "no such attributes are kept") }
        try await ask(.removeXattr(path: try path(number), name: name))
    }
}
