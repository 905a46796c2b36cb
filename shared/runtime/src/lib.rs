//! What every function's main needs: clients, request and response mapping, error rendering, logs.
