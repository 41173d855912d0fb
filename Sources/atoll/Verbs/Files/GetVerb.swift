import APIClient
import APISchema
import CDispatch
import Filesystem
import Foundation
import NIOCore
import Primitives

/// `get`: a file, a directory with all that is in it, what a glob matches, or a file to the standard output (`-`).
struct GetVerb: Sendable {
    let verb: FilesystemVerb
    let remote: String
    let local: String
    let force: Bool

    private struct Item: Sendable {
        var remote: FilePath
        var local: String
        var attributes: FileAttributes
    }

    private var operation: String { verb.operation }

    func run(_ files: Files) async throws -> (bytes: UInt64, files: Int) {
        if local == "-" { return try await toOutput(files) }
        Interruption.watch(operation, left: "files that came whole are there, of the others nothing")
        let items = try await collect(files)
        for item in items where !force && item.attributes.type != .directory && FileStatus(item.local, followLinks: false) != nil {
            throw CommandFailure.usage(operation, item.local, "it exists", hint: "add --force to replace it")
        }
        let progress = Progress(operation, total: items.reduce(0) { $0 + ($1.attributes.type == .file ? $1.attributes.size : 0) })
        defer { progress.end() }
        for item in items where item.attributes.type == .directory { try LocalFiles.makeDirectory(item.local) }
        try await PutVerb.concurrently(items.filter { $0.attributes.type != .directory }) { item in try await fetch(item, files, progress) }
        return (progress.done, items.count { $0.attributes.type != .directory })
    }

    // MARK: What to get

    private func collect(_ files: Files) async throws -> [Item] {
        if verb.kind == .nfs, remote.contains(where: Glob.isWild) { return try await glob(files) }
        let path = try verb.path(remote)
        let attributes = try await files.existing(path)
        var target = local
        let isDirectory = FileStatus(local)?.isDirectory ?? false
        if attributes.type == .directory {
            // The directory itself goes below an existing one; the root's content goes right into it.
            if isDirectory, let name = path.name { target = join(local, try Self.text(name)) }
            return try await tree(Item(remote: path, local: target, attributes: attributes), files)
        }
        if isDirectory || local.hasSuffix("/") { target = join(local, try Self.text(path.name ?? [])) }
        return [Item(remote: path, local: target, attributes: attributes)]
    }

    private func tree(_ root: Item, _ files: Files) async throws -> [Item] {
        var items: [Item] = []
        var waiting = [root]
        while let item = waiting.popLast() {
            items.append(item)
            guard item.attributes.type == .directory else { continue }
            for entry in try await files.list(item.remote) {
                waiting.append(
                    Item(
                        remote: item.remote.appending(entry.name), local: join(item.local, try Self.text(entry.name)),
                        attributes: entry.attributes))
            }
        }
        return items
    }

    /// `**` takes everything below, `*` within a name.
    private func glob(_ files: Files) async throws -> [Item] {
        let pattern = remote.split(separator: "/").map(String.init)
        let fixed = pattern.prefix { !$0.contains(where: Glob.isWild) }
        let base = FilePath(components: fixed.map { Array($0.utf8) })
        let all = try await tree(Item(remote: base, local: local, attributes: try await files.existing(base)), files)
        let found = all.filter { item in
            item.remote.components.count > base.components.count
                && Glob.matches(
                    item.remote.components.dropFirst(fixed.count).map { String(decoding: $0, as: UTF8.self) },
                    Array(pattern.dropFirst(fixed.count)))
        }
        guard !found.isEmpty else { throw CommandFailure(operation, remote, "nothing matches") }
        // The directories that the matches lie in.
        return all.filter { item in
            found.contains { $0.remote == item.remote }
                || item.attributes.type == .directory && found.contains { $0.remote.components.starts(with: item.remote.components) }
        }
    }

    private func join(_ folder: String, _ name: String) -> String { folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)" }

    /// Local names come from the remote side: none of them may lead elsewhere.
    private static func text(_ name: [UInt8]) throws -> String {
        guard let text = String(validating: name, as: UTF8.self) else {
            throw CommandFailure("get", Terminal.escaped(name), "its name is not UTF-8", hint: "fetch it by the HTTP API")
        }
        guard text != ".", text != "..", !text.contains("/"), !text.isEmpty else {
            throw CommandFailure("get", Terminal.escaped(name), "it can not be a local name")
        }
        return text
    }

    // MARK: Getting

    /// Into a file beside the target, which then takes its place: a get that breaks off leaves nothing.
    private func fetch(_ item: Item, _ files: Files, _ progress: Progress) async throws {
        if item.attributes.type == .symlink {
            guard case .link(let target) = try await files.perform(.readLink(path: item.remote)) else { return }
            if force { unlink(item.local) }
            guard symlink(String(decoding: target, as: UTF8.self), item.local) == 0 else { throw LocalFiles.failure("link", item.local) }
            return
        }
        guard item.attributes.type == .file else {
            return Terminal.error("\(item.remote): skipped, it is neither file, directory nor link")
        }
        let download = try await files.client.get(files.filesystem, item.remote, session: files.session)
        let part = "\(item.local).\(getpid()).part"
        Interruption.begin(part: part)
        defer { Interruption.end(part: part) }
        let file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(download.permissions & 0o777 | 0o200))
        guard file >= 0 else { throw LocalFiles.failure("create", item.local) }
        do {
            defer { close(file) }
            try await download.forEach { buffer in
                try Self.write(buffer, to: file, item.local)
                progress.add(buffer.readableBytes)
            }
            fchmod(file, mode_t(download.permissions & 0o777))
            if let modified = download.modified {
                let time = timespec(tv_sec: Int(modified.seconds), tv_nsec: Int(modified.nanoseconds - modified.seconds * 1_000_000_000))
                var times = [time, time]
                futimens(file, &times)
            }
        } catch {
            unlink(part)
            throw error
        }
        // A link refuses an existing target, a rename would not.
        let isPlaced = force ? rename(part, item.local) == 0 : link(part, item.local) == 0
        let problem = isPlaced ? nil : LocalFiles.failure("create", item.local)
        if !force || !isPlaced { unlink(part) }
        if let problem { throw problem }
    }

    private func toOutput(_ files: Files) async throws -> (bytes: UInt64, files: Int) {
        let path = try verb.path(remote)
        let attributes = try await files.existing(path)
        guard attributes.type != .directory else {
            throw CommandFailure.usage(operation, path.description, "it is a directory", hint: "name a local directory instead of -")
        }
        let progress = Progress(operation, total: attributes.size)
        defer { progress.end() }
        try await files.client.get(files.filesystem, path, session: files.session).forEach { buffer in
            try Self.write(buffer, to: STDOUT_FILENO, "standard output")
            progress.add(buffer.readableBytes)
        }
        return (progress.done, 1)
    }

    private static func write(_ buffer: ByteBuffer, to file: Int32, _ name: String) throws {
        var buffer = buffer
        while buffer.readableBytes > 0 {
            let count = buffer.withUnsafeReadableBytes { Foundation.write(file, $0.baseAddress!, $0.count) }
            if count > 0 {
                buffer.moveReaderIndex(forwardBy: count)
            } else if errno == EPIPE, file == STDOUT_FILENO {
                exit(0)
            } else if errno != EINTR {
                throw LocalFiles.failure("write", name)
            }
        }
    }
}

/// Shell patterns over the components of a path.
enum Glob {
    static func matches(_ parts: [String], _ pattern: [String]) -> Bool {
        guard let first = pattern.first else { return parts.isEmpty }
        if first == "**" {
            if pattern.count == 1 { return true }
            return (0...parts.count).contains { matches(Array(parts.dropFirst($0)), Array(pattern.dropFirst())) }
        }
        guard let part = parts.first, matches(part[...], first[...]) else { return false }
        return matches(Array(parts.dropFirst()), Array(pattern.dropFirst()))
    }

    static func isWild(_ character: Character) -> Bool { character == "*" || character == "?" }

    /// `*` and `?` within a name, in time proportional to the product of the lengths.
    static func matches(_ text: Substring, _ pattern: Substring) -> Bool {
        var (t, p) = (text.startIndex, pattern.startIndex)
        var star: (pattern: Substring.Index, text: Substring.Index)?
        while t < text.endIndex {
            if p < pattern.endIndex, pattern[p] == "*" {
                star = (p, t)
                p = pattern.index(after: p)
            } else if p < pattern.endIndex, pattern[p] == "?" || pattern[p] == text[t] {
                (t, p) = (text.index(after: t), pattern.index(after: p))
            } else if let last = star {
                t = text.index(after: last.text)
                p = pattern.index(after: last.pattern)
                star = (last.pattern, t)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}
