import Filesystem

/// Why a verb failed, in one line.
struct CommandFailure: Error, CustomStringConvertible {
    /// What was asked, such as `volume put`.
    var operation: String
    /// Of what.
    var object: String
    var cause: String
    /// What to do next.
    var hint = ""
    /// 1 failed, 2 usage or already exists.
    var exitCode: Int32 = 1

    init(_ operation: String, _ object: String, _ cause: String, hint: String = "", exitCode: Int32 = 1) {
        self.operation = operation
        self.object = object
        self.cause = cause
        self.hint = hint
        self.exitCode = exitCode
    }

    init(_ failure: FileFailure, _ operation: String? = nil) {
        self.init(operation ?? failure.operation, failure.object, failure.cause, hint: failure.hint)
        speakOfTheCommandLine()
        switch failure.code {
        case .exists, .invalid, .nameTooLong, .outOfRange: exitCode = 2
        // The name is taken, if by another kind.
        case .wrongKind: exitCode = takesName ? 2 : 1
        default: exitCode = 1
        }
    }

    /// Whether the verb gives a new thing a name.
    private var takesName: Bool { operation.hasSuffix(" create") || operation.hasSuffix(" clone") }

    /// What nodes say is for all front ends: the words of the API, and kinds that the verb names already.
    private mutating func speakOfTheCommandLine() {
        if hint == "see /v1/openapi.json" {
            object = object.replacing("_", with: " ")
            hint = "see `atoll \(CommandLine.verb) --help`"
        }
        for (word, noun) in [("volume", "volume"), ("nfs", "network file system")] where operation.hasPrefix("\(word) ") {
            if object.hasPrefix("\(noun) '") { object = String(object.dropFirst(noun.count + 1)) }
        }
        let known = "it already exists as "
        if !takesName, cause.hasPrefix(known) { cause = "it is \(cause.dropFirst(known.count))" }
    }

    static func usage(_ operation: String, _ object: String, _ cause: String, hint: String = "") -> CommandFailure {
        CommandFailure(operation, object, cause, hint: hint, exitCode: 2)
    }

    var description: String {
        let subject = [operation, Terminal.shortened(object)].filter { !$0.isEmpty }.joined(separator: " ")
        return "\(subject): \(cause)" + (hint.isEmpty ? "" : "; \(hint)")
    }
}

/// Runs `body` and tells its file failures in the words of the verb; those of the token in the words of
/// whoever gave it: the environment, or the local cluster's file.
func telling<Result>(
    _ operation: String, to remote: RemoteEndpoint? = nil, in directory: ClusterDirectory? = nil, _ body: () async throws -> Result
) async throws -> Result {
    do {
        return try await body()
    } catch let failure as FileFailure {
        var told = CommandFailure(failure, operation)
        // A node was asked for its state, and not for a thing of this name.
        if operation.split(separator: " ").last.map(String.init) == failure.object { told.object = remote?.address ?? "" }
        if failure.isAboutToken {
            told.object = remote?.address ?? directory?.path ?? ""
            told.hint = "give a token of this cluster: ATOLL_TOKEN, ATOLL_TOKEN_FILE or --token-file"
            if remote == nil, let directory { told.hint = "is \(directory.tokenFile) that of this cluster?" }
        }
        throw told
    }
}

extension FileFailure {
    /// As of `name`, where the node speaks of its catalog, in which names are kept.
    func naming(_ name: String) -> FileFailure {
        guard object == "catalog" else { return self }
        return FileFailure(code, operation: operation, object: name, cause: cause, hint: hint)
    }

    /// The node does not know the token, whatever was asked; one that is known and may not do something names that.
    var isAboutToken: Bool { code == .permissionDenied && object == "API" }
}
