import Filesystem
import NodeCore
import Primitives
import Replication
import TestSupport

// Operations of the scripts: begun, waited for, and put into words.

extension ClusterDriver {
    private func start(_ operation: FileOperation, _ place: Attachment, _ command: ScriptCommand, bytes: [UInt8]? = nil) throws -> Pending {
        let payload = bytes.map { cluster.hosts[place.node].insert($0) }
        let limit = Duration.seconds(try command.integer("limit", default: 60))
        let end = cluster.now + limit
        let request = cluster.begin(on: place.node) { .operation($0, place.session, operation, payload: payload, deadline: end) }
        return Pending(node: place.node, request: request, operation: operation, began: cluster.now)
    }

    private func result(_ waiting: Pending) throws -> (outcome: FileOutcome, data: [UInt8]?) {
        switch cluster.wait(waiting.request, on: waiting.node, limit: .seconds(90)) {
        case .outcome(let outcome, let buffer)?:
            return (outcome, buffer.flatMap { cluster.hosts[waiting.node].buffers.removeValue(forKey: $0) })
        case .failed(let failure)?: throw failure
        default: throw FileFailure(.timedOut, operation: waiting.operation.name, object: waiting.operation.object, cause: "never answered")
        }
    }

    func finish(_ waiting: Pending, _ command: ScriptCommand) throws -> String {
        let (outcome, data) = try result(waiting)
        if case .opened(let handle, _) = outcome.value, let name = command.value("as") { files[name] = (handle, first(command)) }
        var text = Self.words(outcome.value, data)
        text += Self.words(outcome.cost, withBytes: command.has("bytes"))
        if command.has("time") { text += " in \((cluster.now - waiting.began).inNanoseconds / 1_000_000) ms" }
        return text.hasPrefix(" ") ? String(text.dropFirst()) : text
    }

    func single(_ command: ScriptCommand) throws -> String {
        let (operation, place, bytes) = try operation(command)
        let waiting = try start(operation, place, command, bytes: bytes)
        if let name = command.value("later") {
            pending[name] = waiting
            cluster.run(for: .zero)
            return ""
        }
        return try finish(waiting, command)
    }

    func put(_ command: ScriptCommand) throws -> String {
        let place = try session(command)
        let content = try bytes(command)
        var cost = OperationCost()
        let opened = try result(
            try start(.open(path: path(command), mode: .replace(mode: 0o644, refuseExisting: command.has("new"))), place, command)
        ).outcome
        guard case .opened(let handle, _) = opened.value else { throw fault(command, "not opened") }
        cost = cost + opened.cost
        var offset = 0
        let piece = try command.integer("piece", default: 1 << 20)
        while offset < content.count {
            let part = Array(content[offset..<min(content.count, offset + piece)])
            cost = cost + (try result(try start(.write(handle: handle, offset: UInt64(offset)), place, command, bytes: part)).outcome.cost)
            offset += part.count
        }
        cost = cost + (try result(try start(.close(handle: handle, abandon: command.has("abandon")), place, command)).outcome.cost)
        return "\(content.count) bytes" + Self.words(cost, withBytes: command.has("bytes"))
    }

    func get(_ command: ScriptCommand) throws -> String {
        let place = try session(command)
        let opened = try result(try start(.open(path: path(command), mode: .read), place, command)).outcome
        guard case .opened(let handle, let attributes) = opened.value else { throw fault(command, "not opened") }
        var cost = opened.cost
        var content: [UInt8] = []
        var failure: FileFailure?
        do throws(FileFailure) {
            while true {
                let read: (outcome: FileOutcome, data: [UInt8]?)
                do {
                    read = try result(try start(.read(handle: handle, offset: UInt64(content.count), length: 1 << 20), place, command))
                } catch let failed as FileFailure { throw failed } catch { break }
                cost = cost + read.outcome.cost
                content += read.data ?? []
                guard case .data(_, endOfFile: false) = read.outcome.value else { break }
            }
        } catch { failure = error }
        cost = cost + (try result(try start(.close(handle: handle, abandon: false), place, command)).outcome.cost)
        if let failure { throw failure }
        guard content.count == Int(attributes.size) else { return "\(content.count) of \(attributes.size) bytes" }
        return Self.words(content) + Self.words(cost, withBytes: command.has("bytes"))
    }

    func flood(_ command: ScriptCommand) throws -> String {
        let place = try session(command)
        let target = try path(command)
        let waiting = try (0..<(try command.integer("count"))).map { number in
            let operation: FileOperation =
                command.name == "flood"
                ? .stat(path: target, followLinks: true)
                : .makeDirectory(path: FilePath("\(target)\(number)")!, mode: 0o755, parents: true)
            return try start(operation, place, command)
        }
        var counts: [String: Int] = [:]
        for one in waiting {
            do {
                _ = try result(one)
                counts["done", default: 0] += 1
            } catch let failure as FileFailure { counts[failure.code.word, default: 0] += 1 }
        }
        return counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    private func operation(_ command: ScriptCommand) throws -> (FileOperation, Attachment, [UInt8]?) {
        switch command.name {
        case "write":
            let open = try file(command)
            let offset = command.has("append") ? UInt64.max : UInt64(try command.integer("offset", default: 0))
            return (.write(handle: open.handle, offset: offset), open.place, try bytes(command))
        case "read":
            let open = try file(command)
            let offset = UInt64(try command.integer("offset", default: 0))
            return (
                .read(handle: open.handle, offset: offset, length: UInt32(try command.integer("length", default: 1_000))), open.place, nil
            )
        case "sync":
            let open = try file(command)
            return (.sync(handle: open.handle), open.place, nil)
        case "close":
            let open = try file(command)
            return (.close(handle: open.handle, abandon: command.has("abandon")), open.place, nil)
        case "lock":
            let open = try file(command)
            return (
                .lock(handle: open.handle, range: range(command), exclusive: !command.has("shared"), wait: command.has("wait")), open.place,
                nil
            )
        case "unlock":
            let open = try file(command)
            return (.unlock(handle: open.handle, range: range(command)), open.place, nil)
        default: return (try sessionOperation(command), try session(command), nil)
        }
    }
}
