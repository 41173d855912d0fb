package import Primitives

/// The rules for names, in one place.
///
/// Objects: 1 to 64 of `A-Z a-z 0-9 - _ .`, not shaped like an id (`sv-`, `vo-` or `ap-` and 22
/// alphanumerics), and neither `.` nor `..`, which no URL can carry.
/// Environments: the same characters, the first alphanumeric, and not beginning with `en-`.
package enum CatalogName {
    package static let maximumLength = 64
    package static let rule = "use 1 to 64 of A-Z a-z 0-9 - _ . and nothing shaped like an id (sv-, vo- or ap- and 22 letters or digits)"
    package static let environmentRule = "use 1 to 64 of A-Z a-z 0-9 - _ . with a letter or digit first, not beginning with en-"
    package static let plainRule = "use 1 to 64 of A-Z a-z 0-9 - _ ."

    package static func isValid(_ name: String) -> Bool { isPlain(name) && name != "." && name != ".." && !looksLikeID(name) }

    package static func isValidEnvironment(_ name: String) -> Bool {
        isPlain(name) && isAlphanumeric(name.utf8.first ?? 0) && !name.hasPrefix("en-")
    }

    /// The form of names of nodes, regions and workspaces.
    package static func isPlain(_ name: String) -> Bool {
        (1...maximumLength).contains(name.utf8.count)
            && name.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
    }

    /// Whether the text has the shape of an id, of whatever kind and whether or not one exists.
    package static func looksLikeID(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 3 + Base62.length, bytes[3...].allSatisfy(isAlphanumeric) else { return false }
        let prefixes = FilesystemKind.allCases.map(\.idPrefix) + [AppID.prefix]
        return prefixes.contains { text.hasPrefix($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }

    /// A text from outside, cut to what fits a one-line message. Control characters are shown as `?`.
    package static func shown(_ text: String) -> String {
        let short = text.unicodeScalars.prefix(80).map { $0.value < 32 || $0.value == 127 ? "?" : Character($0) }
        return String(short) + (text.unicodeScalars.count > 80 ? "…" : "")
    }

    static func check(_ kind: FilesystemKind, _ name: String, _ operation: String) throws(CatalogError) {
        guard !isValid(name) else { return }
        throw CatalogError(.invalidName, operation, shown(name), "Invalid \(kind.objectWord) name: '\(shown(name))'", hint: rule)
    }

    static func check(app name: String, _ operation: String) throws(CatalogError) {
        guard !isValid(name) else { return }
        throw CatalogError(.invalidName, operation, shown(name), "Invalid App name: '\(shown(name))'", hint: rule)
    }

    static func check(environment: EnvironmentName, _ operation: String) throws(CatalogError) {
        guard isPlain(environment.workspace) else {
            let name = shown(environment.workspace)
            throw CatalogError(.invalidName, operation, name, "Invalid workspace name: '\(name)'", hint: plainRule)
        }
        guard !isValidEnvironment(environment.name) else { return }
        let name = shown(environment.name)
        throw CatalogError(.invalidName, operation, name, "Invalid environment name: '\(name)'", hint: environmentRule)
    }

    static func check(_ what: String, plain name: String, _ operation: String) throws(CatalogError) {
        guard !isPlain(name) else { return }
        throw CatalogError(.invalidName, operation, shown(name), "Invalid \(what) name: '\(shown(name))'", hint: plainRule)
    }
}

extension FilesystemKind {
    /// The class of the SDK that stands for this kind.
    package var objectWord: String {
        switch self {
        case .nfs: "NetworkFileSystem"
        case .volume: "Volume"
        }
    }

    /// The noun with its article.
    var aNoun: String { "a \(noun)" }
}
