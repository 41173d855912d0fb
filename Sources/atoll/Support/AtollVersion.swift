/// The version of the program.
enum AtollVersion {
    static let text = "0.1.0"
}
